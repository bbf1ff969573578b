"""Nadam against its formula in float64, and its round trips."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from nadam_reference import NadamReference

from TauAdv.training.step.optimizers import Nadam, make_optimizer

pytestmark = pytest.mark.slow


def nadam_reference(start, gradients, rate, d):
    reference, w = NadamReference(rate, d), {"w": np.array(start, float)}
    for gradient in gradients:
        w = reference.step(w, {"w": gradient})
    return w["w"]


def run_optimizer(optimizer, start, gradients, dtype):
    variable = keras.Variable(start, dtype=dtype, name="w")
    optimizer.build([variable])
    apply = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
    for gradient in tf.constant(gradients, dtype):
        apply(gradient)
    return variable.numpy()


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    return rng.normal(size=7), rng.normal(size=(300, 7)) * rng.lognormal(size=(300, 1))


@pytest.mark.parametrize("d", [1e-4, 0.004, 1.0])
def test_formula_in_float64(problem, d):
    start, gradients = problem
    expected = nadam_reference(start, gradients, 2**-7, d)  # a rate that float32 holds exactly
    found = run_optimizer(Nadam(2**-7, d), start, gradients, "float64")
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_first_steps_in_float32(problem):
    _, gradients = problem
    expected = nadam_reference(np.zeros(7), gradients[:3], 1.0, 0.004)
    np.testing.assert_allclose(run_optimizer(Nadam(1.0, 0.004), np.zeros(7), gradients[:3], "float32"), expected, rtol=2e-6)


def test_schedule_decay_of_one_is_the_optimiser_of_keras(problem):
    start, gradients = problem
    ours = run_optimizer(Nadam(0.01, 1.0), start, gradients, "float32")
    theirs = run_optimizer(keras.optimizers.Nadam(0.01), start, gradients, "float32")
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    smaller = run_optimizer(Nadam(0.01, 1e-4), start, gradients, "float32")
    assert np.abs(smaller - theirs).max() > 1e-2  # the setting matters: the two agree by more than chance


def test_rate_does_not_fall_with_schedule_decay():
    # a constant gradient moves a variable by the learning rate, however late
    moved = run_optimizer(Nadam(2**-7, 0.004), np.zeros(1), np.ones((2000, 1)), "float64")
    later = run_optimizer(Nadam(2**-7, 0.004), np.zeros(1), np.ones((2001, 1)), "float64")
    np.testing.assert_allclose(later - moved, -(2**-7), rtol=1e-3)


def test_configuration_round_trip():
    optimizer = Nadam(0.01, 0.002, beta_1=0.8, global_clipnorm=3.0, name="head")
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, Nadam)
    assert again.get_config() == optimizer.get_config()


def test_saved_with_a_model_and_restored(tmp_path):
    entry = keras.Input((2,))
    model = keras.Model(entry, keras.layers.Dense(3, name="last")(entry))
    model.compile(optimizer=Nadam(0.01, 0.002), loss="mse")
    inputs, targets = np.ones((4, 2), "f4"), np.zeros((4, 3), "f4")
    model.fit(inputs, targets, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    stored = {name: value.numpy() for name, value in model.optimizer.state().items()}
    assert stored["iterations"] == 2
    for name, value in again.optimizer.state().items():
        np.testing.assert_array_equal(value.numpy(), stored[name])


def test_clipping_bounds_the_norm_of_all_gradients_together():
    variables = [keras.Variable(np.zeros(1), name=name) for name in "ab"]
    optimizer = make_optimizer(variables, 1.0, 0.004, clip_norm=5.0, name="main")
    optimizer.apply([tf.constant([30.0]), tf.constant([40.0])], variables)
    state = optimizer.state()
    found = [state[f"{variable.path}/momentum"].numpy()[0] for variable in variables]
    np.testing.assert_allclose(found, [0.3, 0.4], rtol=1e-6)  # (1 - beta_1) times (30, 40) at norm 5
