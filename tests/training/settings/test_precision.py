"""Precision of a training: what is offered, what it costs, and that the model serves afterwards."""

import numpy as np
import pytest
from network_batches import random_inputs
from training_classes import load_classifier

from TauAdv.errors import ConfigError
from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.loading import load_model
from TauAdv.runs import find_run
from TauAdv.training.run.train import train
from TauAdv.training.settings.precision import MIXED_BFLOAT16_SCORE_SHIFT, precision_note


@pytest.mark.parametrize("precision", ["mixed_float16", "float16"])
def test_float16_is_refused_with_the_reason(precision):
    with pytest.raises(ConfigError, match=r"precision: .*reach 4,460.*take mixed_bfloat16"):
        load_classifier(None, {"data.shards": "a", "model.precision": precision})


def test_default_is_single_precision_and_needs_no_note():
    assert load_classifier(None, {"data.shards": "a"}).model.precision == "float32"
    assert precision_note("float32") is None


@pytest.mark.slow
def test_stated_cost_is_that_of_the_public_network(official_network):
    """The figure of the announcement is what mixed_bfloat16 does to scores of the official network."""
    mixed = build_classifier(official_network.network, dtype="mixed_bfloat16")
    mixed.set_weights(official_network.get_weights())
    inputs = random_inputs(official_network.network, 300, filled={"inner": 8, "outer": 25})
    shift = np.abs(mixed(inputs, training=False) - official_network(inputs, training=False)).max()
    assert MIXED_BFLOAT16_SCORE_SHIFT / 4 < shift < 1.5 * MIXED_BFLOAT16_SCORE_SHIFT
    assert f"up to ~{MIXED_BFLOAT16_SCORE_SHIFT}" in precision_note("mixed_bfloat16")


@pytest.mark.slow
def test_training_in_mixed_precision(classifier_settings, data, capsys):
    losses, kernels = [], []
    without_dropout = str(data / "still.yaml")  # masks differ between number types
    for precision in ("float32", "mixed_bfloat16"):
        settings = classifier_settings(precision=precision, n_epochs=1, network=without_dropout)
        run = find_run(settings.output.mlruns, train(settings))
        assert ("mixed_bfloat16: scores move by up to" in capsys.readouterr().out) == (precision == "mixed_bfloat16")
        model = load_model(run.artifacts / "model" / "model.keras")
        losses.append(run.metrics["loss"])
        kernels.append(model.get_layer("final_dense_last").kernel.numpy())
        assert model.get_layer("final_dense_1").compute_dtype == "float32"
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert 0 < np.abs(kernels[1] - kernels[0]).max() < 0.05
