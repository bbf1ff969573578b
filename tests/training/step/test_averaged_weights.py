"""Moving averages of the weights: their values, and that the training goes on with the weights."""

import numpy as np
import pytest
from attack_inputs import jet_batch, jet_model
from training_classes import jet_settings

from TauAdv.errors import ConfigError
from TauAdv.training.step.averaged_weights import averaged, keep_average
from TauAdv.training.step.trainer import Trainer

DECAY = 0.7


def weights(trainer):
    return [variable.numpy() for variable in trainer.model.trainable_variables]


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_averages_of_the_weights_after_each_step(optimizer, tmp_path):
    options = {
        "data.shards": tmp_path,
        "data.batch_size": 20,
        "schedule.weight_average": DECAY,
        "schedule.optimizer": optimizer,
    }
    trainer = Trainer(jet_model(), jet_settings(None, options))
    steps = []
    for _ in range(5):
        trainer.train(jet_batch(20), {"learning_rate": 0.01})
        steps.append(weights(trainer))
    expected = steps[0]
    for after in steps[1:]:
        expected = [DECAY * old + (1 - DECAY) * new for old, new in zip(expected, after, strict=True)]
    with averaged(trainer.optimizers["optimizer"]):
        inside = weights(trainer)
    for values in zip(inside, expected, strict=True):
        np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-7)
    assert max(np.abs(a - b).max() for a, b in zip(inside, steps[-1], strict=True)) > 1e-3
    for values in zip(weights(trainer), steps[-1], strict=True):
        np.testing.assert_array_equal(*values)
    keep_average(trainer.optimizers["optimizer"])
    for values in zip(weights(trainer), inside, strict=True):
        np.testing.assert_array_equal(*values)


def test_without_averages_nothing_changes(tmp_path):
    trainer = Trainer(jet_model(), jet_settings(None, {"data.shards": tmp_path, "data.batch_size": 20}))
    before = weights(trainer)
    with averaged(trainer.optimizers["optimizer"]):
        pass
    keep_average(trainer.optimizers["optimizer"])
    for values in zip(weights(trainer), before, strict=True):
        np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    "change", [{"schedule.weight_average": 1.0}, {"schedule.weight_average": 0.9, "schedule.devices": "mirrored"}]
)
def test_settings_that_are_refused(change, tmp_path):
    with pytest.raises(ConfigError, match="weight_average"):
        jet_settings(None, {"data.shards": str(tmp_path), **change})
