import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import N_FEATURES, bits, constraints, jet_batch, jet_model, movable
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.attacks.systematic import systematic
from TauAdv.errors import InputError
from TauAdv.models.jet_flavour.losses import crossentropy

pytestmark = pytest.mark.slow

OBJECTIVE = label_loss(jet_model(), crossentropy)
ATTACKS = {
    "fgsm": lambda batch, of, eps: fgsm(OBJECTIVE, batch, of, eps),
    "pgd": lambda batch, of, eps: pgd(OBJECTIVE, batch, of, eps, steps=3, restarts=2, seed=3),
    "noise": lambda batch, of, eps: gaussian_noise(batch, of, eps, seed=3),
    "up": lambda batch, of, eps: systematic(batch, of, eps),
    "down": lambda batch, of, eps: systematic(batch, of, eps, direction="down"),
}
each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)

floats = st.floats(-30, 30, width=32)
tables = st.lists(st.lists(floats, min_size=N_FEATURES, max_size=N_FEATURES), min_size=1, max_size=4)


def drawn_batch(rows, data):
    masks = data.draw(st.lists(st.lists(st.booleans(), min_size=N_FEATURES, max_size=N_FEATURES),
                               min_size=len(rows), max_size=len(rows)))  # fmt: skip
    labels = np.eye(3, dtype="f4")[np.arange(len(rows)) % 3]
    return {"x": tf.constant(rows, tf.float32), "x_default": tf.constant(masks), "y": tf.constant(labels)}


@each_attack
@given(rows=tables, data=st.data(), eps=st.floats(0, 3))
@settings(max_examples=15)
def test_protected_elements_keep_every_bit_and_the_rest_of_the_batch_stays(attack, rows, data, eps):
    batch, of = drawn_batch(rows, data), constraints()
    attacked = attack(batch, of, eps)
    protected = ~movable(batch, of)
    np.testing.assert_array_equal(bits(attacked["x"])[protected], bits(batch["x"])[protected])
    for key in ("x_default", "y"):
        np.testing.assert_array_equal(attacked[key], batch[key])


@pytest.mark.parametrize("name", ["fgsm", "pgd", "up", "down"])
@given(rows=tables, data=st.data(), eps=st.floats(0, 3))
@settings(max_examples=15)
def test_nothing_moves_further_than_eps(name, rows, data, eps):
    batch = drawn_batch(rows, data)
    scale = np.linspace(0.5, 2, N_FEATURES)
    attacked = ATTACKS[name](batch, constraints({"perturbation": scale}), eps)
    moved = np.abs(attacked["x"].numpy().astype("f8") - batch["x"].numpy())
    assert (moved <= eps * scale + 4e-6).all()


@each_attack
@given(rows=tables, data=st.data(), eps=st.floats(0, 3))
@settings(max_examples=15)
def test_ranges_hold(attack, rows, data, eps):
    batch = drawn_batch(rows, data)
    low, high = np.linspace(-3, 0, N_FEATURES).astype("f4"), np.linspace(1, 4, N_FEATURES).astype("f4")
    clean, x = batch["x"].numpy(), attack(batch, constraints({"low": low, "high": high}), eps)["x"].numpy()
    assert (x >= np.minimum(clean, low)).all()
    assert (x <= np.maximum(clean, high)).all()


def test_what_was_outside_the_range_is_not_pulled_in():
    batch = jet_batch()
    attacked = systematic(batch, constraints({"high": 0.5}), 0.2)
    outside = batch["x"].numpy() >= 0.5
    assert outside.any()
    np.testing.assert_array_equal(bits(attacked["x"])[outside], bits(batch["x"])[outside])


@each_attack
@given(rows=tables, data=st.data(), eps=st.floats(0, 3), cap=st.floats(0.01, 0.5))
@settings(max_examples=15)
def test_relative_cap_holds_in_physical_units(attack, rows, data, eps, cap):
    batch = drawn_batch(rows, data)
    mean, std = np.linspace(-5, 5, N_FEATURES), np.logspace(-3, 2, N_FEATURES)
    attacked = attack(batch, constraints({"mean": mean, "std": std}, relative_cap=cap), eps)
    before, after = (tensor["x"].numpy().astype("f8") * std + mean for tensor in (batch, attacked))
    rounding = 1e-5 * (std + np.abs(mean))
    assert (np.abs(after - before) <= cap * np.abs(before) + rounding).all()


def test_cap_is_reached_and_a_value_of_zero_is_frozen():
    batch = jet_batch() | {"x_default": tf.zeros((20, N_FEATURES), tf.bool)}
    x = batch["x"].numpy()
    x[:, 0] = 0
    batch["x"] = tf.constant(x)
    of = constraints(relative_cap=0.1)
    attacked = fgsm(OBJECTIVE, batch, of, 5.0)["x"].numpy()
    np.testing.assert_array_equal(bits(attacked[:, 0]), bits(x[:, 0]))
    free = of.columns["x"].movable & (x != 0)
    np.testing.assert_allclose(np.abs(attacked - x)[free], 0.1 * np.abs(x)[free], rtol=1e-5)


@each_attack
@pytest.mark.parametrize("eps", [0, 0.0, {"x": np.zeros(N_FEATURES)}])
def test_eps_of_zero_returns_the_input(attack, eps):
    batch = jet_batch()
    batch["x"] = tf.concat([batch["x"], [[-0.0, np.nan, 1, 2, 3, 4, 5, 6]]], axis=0)
    batch["x_default"] = tf.concat([batch["x_default"], [[False] * 8]], axis=0)
    batch["y"] = tf.concat([batch["y"], [[1.0, 0, 0]]], axis=0)
    np.testing.assert_array_equal(bits(attack(batch, constraints(), eps)["x"]), bits(batch["x"]))


@each_attack
def test_eps_as_a_tensor_of_zero_changes_no_value(attack):
    batch = jet_batch()
    np.testing.assert_array_equal(bits(attack(batch, constraints(), tf.constant(0.0))["x"]), bits(batch["x"]))


@each_attack
@pytest.mark.parametrize(
    ("eps", "message"),
    [
        (-0.1, "eps of 'x': expected numbers >= 0, received -0.1"),
        (float("nan"), "expected numbers >= 0"),
        ([0.1] * 3, r"eps of 'x': expected one number, or one for each of its 8 columns; received shape \(3,\)"),
        ({"x": np.full(N_FEATURES, -1)}, "expected numbers >= 0"),
        ({"tau": 0.1}, "eps: no input tensor 'tau'; expected some of x"),
        (tf.zeros(5), "one for each of its 8 columns"),
    ],
)
def test_wrong_eps_is_refused(attack, eps, message):
    with pytest.raises(InputError, match=message):
        attack(jet_batch(), constraints(), eps)


@each_attack
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "the batch has no 'x', which attacks on 'x' need; it has weight, x_default, y"),
        ({"x_default": None}, "the batch has no 'x_default'"),
        ({"x": tf.zeros((20, 5))}, r"'x': expected float32 \[rows, 8\], received float32 \(20, 5\)"),
        ({"x_default": tf.zeros((20, 8))}, r"'x_default': expected bool \[rows, 8\], received float32"),
    ],
)
def test_batch_that_does_not_fit_is_refused(attack, change, message):
    batch = {key: value for key, value in {**jet_batch(), **change}.items() if value is not None}
    with pytest.raises(InputError, match=message):
        attack(batch, constraints(), 0.1)


def test_eps_per_feature():
    batch = jet_batch() | {"x_default": tf.zeros((20, N_FEATURES), tf.bool)}
    eps = np.linspace(0, 0.7, N_FEATURES)
    of = constraints()
    moved = np.abs(fgsm(OBJECTIVE, batch, of, eps)["x"] - batch["x"])
    np.testing.assert_allclose(moved, np.broadcast_to(eps * of.columns["x"].movable, moved.shape), atol=1e-6)


def test_unit_of_resolution():
    batch = jet_batch()
    resolution, std = np.linspace(0.1, 0.8, N_FEATURES), np.linspace(1, 3, N_FEATURES)
    of = constraints({"resolution": resolution, "std": std}, unit="resolution")
    moved = np.abs(fgsm(OBJECTIVE, batch, of, 0.5)["x"] - batch["x"])
    np.testing.assert_allclose(moved, 0.5 * resolution / std * movable(batch, of), atol=1e-6)
    with pytest.raises(InputError, match="unit 'resolution': not known for 6 columns that may move, such as f0"):
        fgsm(OBJECTIVE, batch, constraints(unit="resolution"), 0.5)


@each_attack
def test_without_protection_everything_moves(attack):
    batch = jet_batch()
    free = {"perturbation": [1, 1, 0, 1, 1, 1, 1, 1], "high": 0.0, "low": 0.0}
    moved = attack(batch, constraints(free, protect=False), 0.3)["x"] - batch["x"]
    assert (moved.numpy() != 0).all()


@each_attack
def test_strength_per_example(attack):
    batch, of = jet_batch(), constraints()
    strength = tf.constant(np.arange(20) % 2, tf.float32)
    whole = attack(batch, of, 0.2)["x"].numpy()
    half = {
        "fgsm": lambda: fgsm(OBJECTIVE, batch, of, 0.2, strength=strength),
        "pgd": lambda: pgd(OBJECTIVE, batch, of, 0.2, steps=3, restarts=2, seed=3, strength=strength),
        "noise": lambda: gaussian_noise(batch, of, 0.2, seed=3, strength=strength),
        "up": lambda: systematic(batch, of, 0.2, strength=strength),
        "down": lambda: systematic(batch, of, 0.2, direction="down", strength=strength),
    }[next(name for name, one in ATTACKS.items() if one is attack)]()["x"].numpy()
    np.testing.assert_array_equal(bits(half[::2]), bits(batch["x"][::2]))
    np.testing.assert_allclose(half[1::2], whole[1::2], atol=1e-6)


def test_negative_cap_is_refused():
    with pytest.raises(InputError, match="relative_cap: expected a number >= 0"):
        constraints(relative_cap=-0.1)


@each_attack
def test_compiled_once_for_all_lengths_and_equal_to_eager(attack):
    of = constraints({"low": -2.0}, relative_cap=0.5)
    compiled = tf.function(lambda batch, eps: attack(batch, of, eps), input_signature=[
        {
            "x": tf.TensorSpec((None, N_FEATURES), tf.float32),
            "x_default": tf.TensorSpec((None, N_FEATURES), tf.bool),
            "y": tf.TensorSpec((None, 3), tf.float32),
            "weight": tf.TensorSpec((None,), tf.float32),
        },
        tf.TensorSpec((), tf.float32),
    ])  # fmt: skip
    for n_jets, eps in ((5, 0.1), (9, 0.2), (1, 0.3)):
        batch = jet_batch(n_jets, seed=n_jets)
        expected = attack(batch, of, eps)["x"]
        np.testing.assert_allclose(compiled(batch, tf.constant(eps))["x"], expected, atol=1e-5)
    assert compiled.experimental_get_tracing_count() == 1
