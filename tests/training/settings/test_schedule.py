"""Rates and factors of a step, as the settings of a training say."""

from training_classes import load_adversarial, load_classifier

from TauAdv.training.run.loop import knobs_at


def test_knobs_of_a_step():
    changes = {
        "data.shards": "a",
        "data.adv_shards": "b",
        "method.adv_parameter": [2, 8],
        "schedule.learning_rate": 0.1,
        "method.adv_learning_rate": 0.4,
        "schedule.learning_rate_schedule": {"kind": "epoch", "decay": 0.5},
        "method.k2_schedule": {"kind": "linear"},
    }
    settings = load_adversarial(None, changes)
    assert knobs_at(settings, 10, 10, 40) == {"learning_rate": 0.05, "adv_learning_rate": 0.2, "k1": 2, "k2": 2}
    assert knobs_at(load_classifier(None, {"data.shards": "a"}), 3, 10, 40) == {"learning_rate": 0.001}
