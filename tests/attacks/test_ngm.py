"""The normed gradient: on sums w x + h x^2 / 2, whose gradient w + h x is written down here, and on small taggers."""

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import N_FEATURES, bits, constraints, jet_batch, jet_model, movable

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.settings import make_attack
from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.models.jet_flavour.losses import crossentropy
from TauAdv.training.settings.attack import TrainingAttack

NORMALISE = ["all", "reference", "masked"]
UNITS = np.array([1, 0.5, 1, 2, 1, 1, 0.25, 1], "f4")
SLOPES = np.random.default_rng(3).normal(size=(20, N_FEATURES)).astype("f4")


def ngm(of, objective, batch, eps, **options):
    return make_attack(AttackSettings(kind="ngm", eps=eps, **options), of)(objective, batch)["x"].numpy()


def with_units():
    return constraints({"perturbation": UNITS})


def polynomial(slopes=SLOPES, curvature=0.0):
    return lambda batch: tf.reduce_sum(slopes * batch["x"] + curvature / 2 * batch["x"] ** 2, axis=1)


def norm(values):
    return np.sqrt((values.astype("f8") ** 2).sum(axis=1))


@pytest.mark.parametrize("length", ["l2", "rms"])
def test_masked_steps_have_the_length_that_is_asked_for(length):
    batch, of = jet_batch(), with_units()
    moved = (
        ngm(of, label_loss(jet_model(), crossentropy), batch, 0.3, normalise="masked", length=length) - batch["x"]
    ) / UNITS
    n_free = movable(batch, of).sum(axis=1)
    np.testing.assert_allclose(norm(moved.numpy()), 0.3 * (np.sqrt(n_free) if length == "rms" else 1), rtol=1e-5)


@pytest.mark.parametrize("normalise", NORMALISE)
def test_a_single_input_moves_as_with_fgsm(normalise):
    batch = {"x": jet_batch()["x"][:, :1], "y": jet_batch()["y"]}
    of, objective = Constraints({"x": InputColumns.of(["f0"])}), label_loss(jet_model(1), crossentropy)
    expected = fgsm(objective, batch, of, 0.3)["x"]
    np.testing.assert_allclose(ngm(of, objective, batch, 0.3, normalise=normalise), expected, atol=1e-6)


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("wrong", [0.0, np.nan])
def test_without_a_gradient_nothing_moves(normalise, wrong):
    batch, slopes = jet_batch(), SLOPES.copy()
    slopes[:5] = wrong
    attacked = ngm(constraints(), polynomial(slopes), batch, 0.3, normalise=normalise, steps=2)
    np.testing.assert_array_equal(bits(attacked[:5]), bits(batch["x"][:5]))
    assert (attacked[5:] != batch["x"][5:]).numpy().any(axis=1).all()


def test_the_loss_grows_as_the_gradient_says():
    """The gain is eps |Msg| + eps^2 sum (s d)^2 / 2 for a curvature of 1, with d = Msg / |Msg|."""
    batch, of, objective = jet_batch(), with_units(), polynomial(curvature=1.0)
    gradient = np.where(movable(batch, of), UNITS * (SLOPES + batch["x"].numpy()), 0).astype("f8")
    curvature = ((UNITS * gradient / norm(gradient)[:, None]) ** 2).sum(axis=1)
    for eps in (0.3, 0.03):
        attacked = ngm(of, objective, batch, eps, normalise="masked")
        moved = attacked.astype("f8") - batch["x"].numpy()
        gain = ((SLOPES + batch["x"].numpy()) * moved + moved**2 / 2).sum(axis=1)
        np.testing.assert_allclose(gain / (eps * norm(gradient)), 1 + eps * curvature / norm(gradient) / 2, rtol=1e-4)


def test_norms_of_all_inputs():
    batch, of, slopes = jet_batch(), with_units(), SLOPES.copy()
    slopes[3] *= 1e-7  # of an example that is classified well
    free = movable(batch, of)
    for normalise, scale, floor in (("all", 1, 1e-12), ("reference", 20, 1e-6)):
        gradient = slopes.astype("f8") / scale
        expected = np.where(free, 0.3 * UNITS * gradient / np.maximum(norm(gradient), floor)[:, None], 0)
        moved = ngm(of, polynomial(slopes), batch, 0.3, normalise=normalise) - batch["x"].numpy()
        np.testing.assert_allclose(moved, expected, atol=2e-6)
        assert (norm(moved)[3] < 0.1 * norm(moved)[4]) == (normalise == "reference")


def test_padding_has_no_share_in_masked_steps():
    batch, of = jet_batch(), constraints()
    free = movable(batch, of)
    shuffled, steep = batch["x"].numpy(), np.where(free, SLOPES, 1000 * SLOPES)
    shuffled[~free] = np.random.default_rng(5).permutation(shuffled[~free])
    first = ngm(of, polynomial(), batch, 0.3, normalise="masked")
    other = ngm(of, polynomial(steep), batch | {"x": tf.constant(shuffled)}, 0.3, normalise="masked")
    np.testing.assert_array_equal(bits(first)[free], bits(other)[free])
    np.testing.assert_array_equal(bits(shuffled)[~free], bits(other)[~free])
    assert norm(ngm(of, polynomial(steep), batch, 0.3) - batch["x"].numpy()).max() < 0.3 / 10


def cells_of_taus():
    """Batch of 4 taus with cells in any order, and an objective of both tensors."""
    generator = np.random.default_rng(4)
    owner = generator.integers(0, 4, 30)
    batch = {"tau": generator.normal(size=(4, 3)).astype("f4"), "cells": generator.normal(size=(30, 2)).astype("f4")}
    batch |= {"index": np.stack([owner, np.arange(30)], axis=1).astype("i4")}
    of = Constraints({"tau": InputColumns.of(list("abc")), "cells": InputColumns.of(list("de"), rows="index")})

    def objective(batch):
        per_cell = tf.reduce_sum(batch["cells"] ** 3, axis=1)
        return tf.reduce_sum(batch["tau"] ** 2, axis=1) + tf.math.unsorted_segment_sum(per_cell, batch["index"][:, 0], 4)

    return {name: tf.constant(values) for name, values in batch.items()}, of, objective


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("steps", [1, 3])
def test_all_cells_of_a_tau_share_one_step(normalise, steps):
    batch, of, objective = cells_of_taus()
    attack = make_attack(AttackSettings(kind="ngm", eps=0.3, normalise=normalise, steps=steps), of)
    attacked = attack(objective, batch)
    moved = {name: attacked[name].numpy() - batch[name].numpy() for name in ("tau", "cells")}
    squares = np.bincount(batch["index"][:, 0], norm(moved["cells"]) ** 2)
    np.testing.assert_allclose(np.sqrt(squares), 0.3, rtol=1e-4)
    np.testing.assert_allclose(norm(moved["tau"]), 0.3, rtol=1e-4)
    order = np.random.default_rng(6).permutation(30)
    shuffled = attack(objective, batch | {name: tf.gather(batch[name], order) for name in ("cells", "index")})
    np.testing.assert_allclose(shuffled["cells"], attacked["cells"].numpy()[order], atol=1e-6)
    np.testing.assert_allclose(shuffled["tau"], attacked["tau"], atol=1e-6)


def test_several_steps_stay_within_the_length_and_follow_the_gradient():
    batch, of = jet_batch(), Constraints({"x": InputColumns.of(list("abcdefgh"))})
    objective = polynomial(curvature=np.array([8, 4, 2, 1, 0, -1, -2, -4], "f4"))
    gains = []
    for steps in (1, 30):
        attacked = ngm(of, objective, batch, 1.0, normalise="masked", steps=steps)
        assert norm(attacked - batch["x"].numpy()).max() <= 1 + 1e-5
        gains.append(objective({"x": attacked}).numpy() - objective(batch).numpy())
    assert gains[1].mean() > gains[0].mean() * 1.01


@pytest.mark.parametrize("normalise", NORMALISE)
@pytest.mark.parametrize("length", ["l2", "rms"])
def test_groups_make_one_step(normalise, length):
    batch, of = jet_batch(), with_units()
    options = {"normalise": normalise, "length": length, "steps": 3, "groups": {"g": ["f1", "-f3"]}}
    share = (ngm(of, label_loss(jet_model(), crossentropy), batch, 0.3, **options) - batch["x"].numpy()) / UNITS
    np.testing.assert_allclose(share[:, 1], -share[:, 3], atol=1e-6)
    assert (np.abs(share[:, 1]) > 1e-3).any()


def test_limits_hold():
    batch = jet_batch()
    objective = label_loss(jet_model(), crossentropy)
    attacked = ngm(constraints({"low": -0.5, "high": 0.5}), objective, batch, 3.0, length="rms", relative_cap=0.2, steps=2)
    clean = batch["x"].numpy()
    assert (np.abs(attacked - clean) <= 0.2 * np.abs(clean) + 1e-6).all()
    assert (np.abs(attacked) <= np.maximum(np.abs(clean), 0.5)).all()


def test_divergences_need_another_start():
    with pytest.raises(ConfigError, match="no slope at the clean inputs"):
        load_settings(TrainingAttack, None, ["kind=ngm", "trades_beta=3"])
