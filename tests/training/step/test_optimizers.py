"""Nadam against its formula in float64, and its round trips."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from nadam_reference import NadamReference

from TauAdv.training.step.optimizers import Adam, Nadam, make_optimizer

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


SHAPES = [(3, 2), (2,), (), (2, 1, 2)]


def several(dtypes=("float32",) * 4):
    rng = np.random.default_rng(8)
    return [keras.Variable(rng.normal(size=s), dtype=d, name=f"v{s}") for s, d in zip(SHAPES, dtypes, strict=True)]


def gradients_of(variables, step):
    rng = np.random.default_rng(step)
    return [tf.constant(rng.normal(size=variable.shape), variable.dtype) for variable in variables]


def moved(optimizer, variables, steps=4, order=slice(None)):
    optimizer.build(variables)

    @tf.function
    def apply(gradients):
        optimizer.apply(gradients[order], variables[order])

    for step in range(steps):
        apply(gradients_of(variables, step))
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize("options", [{}, {"global_clipnorm": 0.5}, {"use_ema": True, "ema_momentum": 0.7}])
def test_adam_of_several_variables_is_that_of_keras(options):
    ours, theirs = several(), several()
    flat, single = Adam(0.01, **options), keras.optimizers.Adam(0.01, **options)
    for found, expected in zip(moved(flat, ours), moved(single, theirs), strict=True):
        np.testing.assert_array_equal(found, expected)
    for (_, average), expected in zip(flat.averages(), getattr(single, "_model_variables_moving_average", []), strict=True):
        np.testing.assert_array_equal(average.numpy(), expected.numpy())


def test_file_of_an_optimiser_has_the_state_of_single_variables():
    """Files of before, where every variable had moments of its own, as Keras has it."""
    theirs, ours, again = keras.optimizers.Adam(0.01), Adam(0.02), Adam(0.03)
    moved(theirs, several())
    stored, written = {}, {}
    theirs.save_own_variables(stored)
    variables = several()
    ours.build(variables)
    ours.load_own_variables(stored)
    for variable, m, v in zip(variables, theirs._momentums, theirs._velocities, strict=True):
        np.testing.assert_array_equal(ours.state()[f"{variable.path}/momentum"].numpy(), m.numpy())
        np.testing.assert_array_equal(ours.state()[f"{variable.path}/velocity"].numpy(), v.numpy())
    ours.save_own_variables(written)
    assert list(written) == list(stored)
    for name, value in stored.items():
        np.testing.assert_array_equal(written[name], value)
    again.build(several()[:2])
    with pytest.raises(ValueError, match=r"has 10 variables .* 6 are expected"):
        again.load_own_variables(stored)


def test_number_types_and_order_of_variables():
    """Each variable is moved in its own number type, whatever the order in which they come."""
    dtypes = ["float32", "float64", "float32", "float64"]
    together = moved(Nadam(2**-7), several(dtypes), order=slice(None, None, -1))
    for index, found in enumerate(together):
        alone, steps = several(dtypes)[index], range(4)
        gradients = np.stack([gradients_of(several(dtypes), step)[index] for step in steps])
        expected = nadam_reference(alone.numpy(), gradients, 2**-7, 0.004)
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtypes[index] == "float32" else 1e-6)
        assert found.dtype == dtypes[index]


def test_gradients_of_some_variables_alone_are_refused():
    variables = several()
    optimizer = Nadam(0.01)
    optimizer.build(variables)
    with pytest.raises(ValueError, match="1 of the 4 variables"):
        optimizer.apply(gradients_of(variables, 0)[:1], variables[:1])


def test_amsgrad_is_refused():
    with pytest.raises(ValueError, match="amsgrad is not implemented"):
        Adam(0.01, amsgrad=True).build(several())
