"""Schedules of learning rates and k2."""

import math

import pytest
from training_classes import load_adversarial, load_classifier

from TauAdv.training.run.loop import knobs_at
from TauAdv.training.settings.schedule import K2Schedule, LearningRateSchedule


def test_cosine_falls_from_one_to_its_end():
    schedule = LearningRateSchedule(kind="cosine", final=0.1)
    assert schedule.factor(0, 10, 100) == 1
    assert schedule.factor(50, 10, 100) == pytest.approx(0.55)
    assert schedule.factor(100, 10, 100) == pytest.approx(0.1)
    values = [schedule.factor(step, 10, 100) for step in range(100)]
    assert values == sorted(values, reverse=True)


def test_epoch_decay_is_a_staircase():
    schedule = LearningRateSchedule(kind="epoch", decay=0.5)
    assert [schedule.factor(step, 10, 100) for step in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]


def test_warmup_multiplies():
    schedule = LearningRateSchedule(warmup_steps=4)
    assert [schedule.factor(step, 10, 100) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_k2_grows_linearly_and_stays():
    schedule = K2Schedule(kind="linear", steps=4)
    assert [schedule.factor(step, 100) for step in (0, 1, 4, 50)] == [0, 0.25, 1, 1]
    assert K2Schedule(kind="linear").factor(50, 100) == 0.5


def test_k2_of_dann():
    schedule = K2Schedule(kind="dann", gamma=10)
    assert schedule.factor(0, 100) == 0
    assert schedule.factor(30, 100) == pytest.approx(math.tanh(1.5))  # 2 / (1 + exp(-x)) - 1 = tanh(x / 2)


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
