"""Noise and systematic variations."""

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import N_FEATURES, bits, constraints, jet_batch, movable
from scipy import stats

from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.systematic import systematic


def test_noise_is_normal_with_the_width_of_every_column():
    batch, scale = jet_batch(20_000, seed=3), np.linspace(0.5, 2, N_FEATURES)
    of = constraints({"perturbation": scale})
    moved = (gaussian_noise(batch, of, 0.1, seed=8)["x"] - batch["x"]).numpy() / (0.1 * scale)
    free = movable(batch, of)
    for column in np.flatnonzero(of.columns["x"].movable):
        values = moved[free[:, column], column]
        assert stats.kstest(values, "norm").pvalue > 1e-4
        assert values.std() == pytest.approx(1, abs=5 / np.sqrt(2 * len(values)))
    first, last = moved[:, 0][free[:, 0] & free[:, 7]], moved[:, 7][free[:, 0] & free[:, 7]]
    assert abs(np.corrcoef(first, last)[0, 1]) < 5 / np.sqrt(len(first))


def test_seed_decides_the_noise():
    batch, of = jet_batch(), constraints()
    first, again, other, pair = (gaussian_noise(batch, of, 0.1, seed=s)["x"] for s in (1, tf.constant(1), 2, (1, 2)))
    np.testing.assert_array_equal(bits(first), bits(again))
    assert (bits(first) != bits(other)).any()
    assert (bits(first) != bits(pair)).any()


def test_noise_may_exceed_sigma_but_no_range():
    batch = jet_batch(5000)
    free = movable(batch, constraints())
    moved = np.abs(gaussian_noise(batch, constraints(), 0.1, seed=1)["x"] - batch["x"])[free]
    assert moved.max() > 0.3
    assert (gaussian_noise(batch, constraints({"high": 9.0}), 3.0, seed=1)["x"].numpy() <= 9.0).all()


@pytest.mark.parametrize(("direction", "sign"), [("up", 1), ("down", -1)])
def test_factors_belong_to_their_columns(direction, sign):
    batch, factor = jet_batch(), np.arange(1.0, N_FEATURES + 1)
    of = constraints({"factor": factor})
    moved = systematic(batch, of, 0.1, direction=direction)["x"] - batch["x"]
    np.testing.assert_allclose(moved, sign * 0.1 * factor * movable(batch, of), atol=1e-6)


def test_up_and_down_are_opposite():
    batch, of = jet_batch(), constraints({"factor": np.arange(N_FEATURES)})
    up, down = (systematic(batch, of, 0.3, direction=direction)["x"] for direction in ("up", "down"))
    np.testing.assert_allclose(up + down, 2 * batch["x"], atol=1e-6)
