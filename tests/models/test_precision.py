"""Models of mixed precision: what stays in float32, and what is loaded."""

import keras
import numpy as np
import pytest
from network_batches import random_inputs, randomise, tiny_network

from TauAdv.models.conversion import class_part, dtype_of
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.loading import load_model
from TauAdv.models.precision import in_single_precision

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mixed():
    model = build_adversarial(tiny_network(dropout=0.2), dtype="mixed_bfloat16", k1=0.5, k2=3.0)
    randomise(model)
    return model


def test_weights_logits_and_probabilities_are_in_float32(mixed):
    assert {weight.dtype for weight in mixed.weights if weight.name != "seed_generator_state"} == {"float32"}
    for name in ("final_dense_last", "main_output", "final_dense_adv", "adv_output"):
        assert mixed.get_layer(name).compute_dtype == "float32"
    assert mixed.get_layer("outer_all_3x3_conv_1").compute_dtype == "bfloat16"


def test_a_saved_model_is_loaded_in_float32(mixed, tmp_path):
    mixed.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    reference = build_adversarial(mixed.network)
    reference.set_weights(mixed.get_weights())
    assert dtype_of(loaded) == "float32"
    assert not any(layer.compute_dtype == "bfloat16" for layer in loaded.layers)
    assert loaded.network == mixed.network
    assert [float(loaded.get_layer(name).scale) for name in ("class_gradient", "adv_gradient")] == [0.5, 3.0]
    inputs = random_inputs(mixed.network, 6)
    halves = mixed(inputs, training=False)
    for output, expected in reference(inputs, training=False).items():
        np.testing.assert_array_equal(loaded(inputs, training=False)[output], expected)
        assert 1e-6 < np.abs(halves[output] - expected).max() < 0.05
    np.testing.assert_array_equal(class_part(loaded)(inputs), reference(inputs)["main_output"])


def test_other_models_stay_as_they_are():
    for dtype in ("float32", "float64"):
        model = build_adversarial(tiny_network(), dtype=dtype)
        assert in_single_precision(model) is model


def test_running_statistics_do_not_pass_through_half_precision():
    """1000 steps of momentum 0.999 towards 1: in bfloat16 they would stop at once, or move by 2^-8 at a time."""
    layer = build_adversarial(
        tiny_network(normalisation={"momentum": 0.999, "epsilon": 1e-3}), dtype="mixed_bfloat16"
    ).get_layer("tau_norm_1")
    rows = keras.ops.ones((4, layer.moving_mean.shape[0]), "bfloat16")
    for _ in range(100):
        layer(rows, training=True)
    np.testing.assert_allclose(layer.moving_mean, 1 - 0.999**100, rtol=1e-4)
