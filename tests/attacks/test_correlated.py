"""Columns that move together, significances that follow, covariance matrices that stay positive definite."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.constraints.covariance import allowed_fractions, broken_covariances, clear_errors
from TauAdv.attacks.constraints.input_columns import Follower, InputColumns
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.pgd import pgd
from TauAdv.errors import InputError

NAMES = ["d0", "variance", "significance", "pt", "width"]
SLOPES = np.array([3.0, -1.0, 0.5, 2.0, -4.0])


def slope(batch):
    return tf.linalg.matvec(batch["x"], tf.constant(SLOPES, tf.float32))


def batch_of(x, default=None):
    default = np.zeros(np.shape(x), bool) if default is None else default
    return {"x": tf.constant(x, tf.float32), "x_default": tf.constant(default)}


def grouped(groups, **facts):
    return Constraints({"x": InputColumns.of(NAMES, mask="x_default", **facts).with_groups(groups)})


def moves(of, batch, eps=0.1, attack=fgsm, **options):
    return (attack(slope, batch, of, eps, **options)["x"] - batch["x"]).numpy()


@pytest.mark.parametrize("attack", [fgsm, lambda *args: pgd(*args, steps=5, seed=2)], ids=["fgsm", "pgd"])
def test_group_goes_where_its_summed_gradient_points(attack):
    of = grouped({"g": ["d0", "variance", "width"]}, perturbation=[1, 2, 1, 1, 1])
    # 3 - 2 - 4 < 0: all down, though the loss grows with d0
    np.testing.assert_allclose(
        moves(of, batch_of(np.ones((2, 5))), attack=attack), [[-0.1, -0.2, 0.1, 0.1, -0.1]] * 2, atol=1e-6
    )
    of = grouped({"g": ["d0", "-width"]})
    np.testing.assert_allclose(
        moves(of, batch_of(np.ones((2, 5))), attack=attack), [[0.1, -0.1, 0.1, 0.1, -0.1]] * 2, atol=1e-6
    )


def test_group_with_a_default_stays_as_a_whole():
    default = np.zeros((3, 5), bool)
    default[1, 1] = True
    moved = moves(grouped({"g": ["d0", "variance"]}), batch_of(np.ones((3, 5)), default))
    np.testing.assert_allclose(moved[:, :2], [[0.1, 0.1], [0, 0], [0.1, 0.1]], atol=1e-6)
    np.testing.assert_allclose(moved[:, 3], 0.1, atol=1e-6)


def test_tightest_member_limits_the_common_step():
    of = grouped({"g": ["d0", "-variance"]}, low=[-9, 0.95, -9, -9, -9], perturbation=[1, 2, 1, 1, 1])
    moved = moves(of, batch_of(np.ones((1, 5))))
    np.testing.assert_allclose(moved[0], [0.025, -0.05, 0.1, 0.1, -0.1], atol=1e-6)


@pytest.mark.parametrize("attack", ["pgd", "noise"])
def test_random_steps_are_shared(attack):
    of = grouped({"g": ["d0", "-width"]}, perturbation=[1, 1, 1, 1, 2.0])
    batch = batch_of(np.ones((50, 5)))
    if attack == "pgd":
        attacked = pgd(lambda b: tf.zeros(50), batch, of, 0.1, steps=1, step_size=1e-6, seed=1)
    else:
        attacked = gaussian_noise(batch, of, 0.1, seed=1)
    moved = (attacked["x"] - batch["x"]).numpy()
    assert moved[:, 0].std() > 0.02
    np.testing.assert_allclose(moved[:, 4], -2 * moved[:, 0], atol=1e-6)
    assert abs(np.corrcoef(moved[:, 0], moved[:, 3])[0, 1]) < 0.6


def following(variance, **options):
    std, mean = np.array([0.4, 1e-3, 7.0, 12.0, 1.0]), np.array([0.1, 2e-3, 4.0, 33.0, 0.0])
    facts = {
        "std": std,
        "mean": mean,
        "mask": "x_default",
        "followers": [Follower(2, (0,), () if variance is None else (variance,))],
    }
    return Constraints({"x": InputColumns.of(NAMES, **facts)}, recompute=True, **options)


def track_batch(signed):
    generator = np.random.default_rng(0)
    d0, variance = generator.normal(0, 0.4, 40), generator.uniform(1e-3, 3e-3, 40)
    significance = (d0 if signed else np.abs(d0)) / np.sqrt(variance)
    physical = np.stack([d0, variance, significance, np.full(40, 30.0), np.zeros(40)], axis=1)
    columns = following(1).tensors["x"]
    return batch_of((physical - columns.mean) / columns.std), columns


@pytest.mark.parametrize("signed", [False, True])
def test_significance_is_that_of_the_moved_value(signed):
    batch, columns = track_batch(signed)
    attacked = fgsm(slope, batch, following(1), 0.05)["x"].numpy() * columns.std + columns.mean
    same_side = attacked[:, 0] * (batch["x"].numpy()[:, 0] * columns.std[0] + columns.mean[0]) > 0
    expected = (attacked[:, 0] if signed else np.abs(attacked[:, 0])) / np.sqrt(attacked[:, 1])
    np.testing.assert_allclose(attacked[same_side, 2], expected[same_side], rtol=1e-3, atol=1e-3)
    assert same_side.sum() > 30


def test_significance_of_another_value_stays():
    """With of_any, as of jets with one track only: half of the significances are of a track that is not an input."""
    batch, columns = track_batch(signed=False)
    other = np.arange(40) % 2 == 0
    x = batch["x"].numpy()
    x[other, 2] += 0.3
    batch["x"] = tf.constant(x)
    of_any = replace(columns, followers=(Follower(2, (0,), (1,), of_any=True),))
    moved = (fgsm(slope, batch, Constraints({"x": of_any}, recompute=True), 0.05)["x"] - batch["x"]).numpy()
    assert not moved[other, 2].any()
    assert (moved[~other, 2] != 0).all()


@pytest.mark.parametrize("arguments", [((),), ((0, 1),), ((0,), (1, 2)), ((0, 1), (2,), True)])
def test_followers_have_a_variance_for_each_of_several_values(arguments):
    with pytest.raises(InputError, match="expected one value, or"):
        Follower(2, *arguments)


def test_without_its_variance_the_error_of_a_significance_stays():
    batch, columns = track_batch(signed=False)
    before, after = (
        tensors["x"].numpy() * columns.std + columns.mean for tensors in (batch, fgsm(slope, batch, following(None), 0.01))
    )
    large = np.abs(before[:, 0]) > 0.01
    np.testing.assert_allclose(
        (np.abs(after[:, 0]) / after[:, 2])[large], (np.abs(before[:, 0]) / before[:, 2])[large], rtol=1e-3
    )


def test_gradient_includes_what_follows():
    """The loss falls with d0 but grows faster with its significance: d0 goes up where the significance grows with it."""
    batch, columns = track_batch(signed=False)
    downhill = lambda b: b["x"][:, 2] - 0.1 * b["x"][:, 0]  # noqa: E731
    moved = (fgsm(downhill, batch, following(1), 0.01)["x"] - batch["x"]).numpy()
    d0 = batch["x"].numpy()[:, 0] * columns.std[0] + columns.mean[0]
    np.testing.assert_array_equal(np.sign(moved[:, 0]), np.sign(d0))
    alone = Constraints({"x": columns}, recompute=False)
    assert ((fgsm(downhill, batch, alone, 0.01)["x"] - batch["x"]).numpy()[:, 0] < 0).all()


def test_absent_significance_and_unmoved_value_keep_their_bits():
    batch, _ = track_batch(signed=True)
    default = np.zeros((40, 5), bool)
    default[::2, 2] = default[1::2, 0] = default[1::2, 1] = True
    batch["x_default"] = tf.constant(default)
    attacked = fgsm(slope, batch, following(1), 0.05)
    np.testing.assert_array_equal(bits(attacked["x"])[:, 2], bits(batch["x"])[:, 2])


def matrices(seed, n, degrees=3):
    """Random covariance matrices; some of those with 3 degrees of freedom are almost singular."""
    factors = np.random.default_rng(seed).normal(size=(n, 3, degrees)) * np.array([1e-2, 1.0, 30.0])[:, None]
    return factors @ factors.transpose(0, 2, 1)


@given(st.integers(0, 1000), st.floats(0.01, 100))
@settings(max_examples=30)
def test_steps_are_shortened_just_enough(seed, size):
    before = matrices(seed, 6)
    scale = np.sqrt(np.diagonal(before, axis1=1, axis2=2))
    step = np.random.default_rng(seed).normal(size=(6, 3, 3)) * scale[:, :, None] * scale[:, None, :] * size
    step += step.transpose(0, 2, 1)
    fractions = allowed_fractions(tf.constant(before), tf.constant(before + step)).numpy()
    assert ((fractions > 0) & (fractions <= 1)).all()

    def smallest_share(fraction):
        """Smallest ratio of variance after the step to before, over all directions."""
        after = before + fraction[:, None, None] * step
        inverse = np.linalg.inv(np.linalg.cholesky(before))
        return np.linalg.eigvalsh(inverse @ after @ inverse.transpose(0, 2, 1))[:, 0]

    assert (smallest_share(fractions) > 0.0099).all()
    np.testing.assert_allclose(smallest_share(fractions)[fractions < 1], 0.01, atol=1e-4)


POSITIONS = np.array([[[0, 1, 3], [1, 2, 4], [3, 4, 5]]])
LOWER = np.tril_indices(3)


def covariance_constraints(rule, std):
    names = [f"c{i}" for i in range(6)] + ["pt"]
    columns = InputColumns.of(names, std=[*std, 1.0], mask="x_default", covariances=POSITIONS)
    return Constraints({"x": columns}, covariance=rule)


def covariance_batch(default=False, degrees=3):
    entries = matrices(3, 200, degrees)[:, LOWER[0], LOWER[1]]
    std = entries.std(axis=0)
    x = np.concatenate([entries / std, np.ones((200, 1))], axis=1)
    return batch_of(x, np.full(x.shape, default)), std


@pytest.mark.parametrize("attack", [fgsm, lambda *args: pgd(*args, steps=4, seed=1)], ids=["fgsm", "pgd"])
def test_projection_keeps_matrices_positive_and_everything_else(attack):
    batch, std = covariance_batch()
    push = lambda b: -tf.reduce_sum(b["x"], axis=1)  # noqa: E731
    free, projected = (attack(push, batch, covariance_constraints(rule, std), 0.5) for rule in ("ignore", "project"))
    columns = covariance_constraints("check", std).tensors["x"]
    assert broken_covariances(columns, batch["x"], free["x"]).numpy().mean() > 0.2
    assert not broken_covariances(columns, batch["x"], projected["x"]).numpy().any()
    moved = (projected["x"] - batch["x"]).numpy()
    assert (np.abs(moved) <= 0.5 + 1e-5).all()
    assert (np.abs(moved[:, :6]).max(axis=1) > 0).mean() > 0.95
    assert np.median(moved[:, 6]) == pytest.approx(-0.5, abs=1e-6)


def test_broken_matrix_is_an_error_if_asked():
    batch, std = covariance_batch(degrees=12)
    push = lambda b: -tf.reduce_sum(b["x"], axis=1)  # noqa: E731
    check = covariance_constraints("check", std)
    attack = tf.function(lambda batch, eps: fgsm(push, batch, check, eps)["x"])
    free = fgsm(push, batch, covariance_constraints("ignore", std), 0.5)["x"]
    broken = broken_covariances(check.tensors["x"], batch["x"], free).numpy()
    expected = (
        rf"^the training set: the attack makes {broken.sum()} of {broken.size} covariance matrices non-positive; the first: "
        rf"row {np.nonzero(broken)[0][0]} of the batch, the one of {check.tensors['x'].names[0]}\. Set covariance: project"
    )
    with pytest.raises(InputError, match=expected), clear_errors("the training set"):
        attack(batch, tf.constant(0.5))
    np.testing.assert_allclose(attack(batch, tf.constant(1e-5)), batch["x"], atol=2e-5)


def test_other_failures_of_compiled_functions_are_not_hidden():
    with pytest.raises(tf.errors.InvalidArgumentError, match="something else"), clear_errors("x"):
        tf.debugging.assert_equal(1, 2, message="something else")


def test_matrices_of_absent_tracks_keep_their_bits():
    batch, std = covariance_batch(default=True)
    batch["x"] = batch["x"] * [-1.0, 1, -1, 1, 1, 1, 1]
    attacked = fgsm(lambda b: -tf.reduce_sum(b["x"], axis=1), batch, covariance_constraints("project", std), 0.5)
    np.testing.assert_array_equal(bits(attacked["x"]), bits(batch["x"]))
