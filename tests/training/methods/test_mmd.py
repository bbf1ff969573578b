"""Maximum mean discrepancy: the value, its gradient and its bias against independent numbers; and in a step."""

import numpy as np
import pytest
import tensorflow as tf
from network_batches import paired_batch, randomise, tiny_network

from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.tagger import network_inputs
from TauAdv.models.variables import common_variables
from TauAdv.training.methods.mmd import Mmd, mean_discrepancy
from TauAdv.training.settings.load import training_settings
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

pytestmark = pytest.mark.slow

WIDTHS = (0.125, 0.25, 0.5, 1.0, 2.0)


def spread_by_hand(h, weight):
    pairs = [(i, j) for i in range(len(h)) for j in range(len(h)) if i != j]
    total = sum(weight[i] * weight[j] for i, j in pairs)
    return sum(weight[i] * weight[j] * ((h[i] - h[j]) ** 2).sum() for i, j in pairs) / total


def by_hand(h, source, target, spread=None, widths=WIDTHS):
    """The formula, pair by pair."""
    spread = spread_by_hand(h, source + target) if spread is None else spread

    def mean(one, other, within):
        pairs = [(i, j) for i in range(len(h)) for j in range(len(h)) if i != j or not within]
        kernels = [np.mean([np.exp(-((h[i] - h[j]) ** 2).sum() / (2 * a * spread)) for a in widths]) for i, j in pairs]
        weights = [one[i] * other[j] for i, j in pairs]
        return np.dot(kernels, weights) / np.sum(weights)

    return mean(source, source, True) + mean(target, target, True) - 2 * mean(source, target, False)


@pytest.fixture
def sample():
    """Features [12, 3], and weights of the two samples; two rows are in neither."""
    rng = np.random.default_rng(5)
    weight, is_target = rng.uniform(0.2, 3, 12), np.arange(12) % 3 == 0
    weight[[4, 9]] = 0
    return rng.normal(size=(12, 3)) + 0.5 * is_target[:, None], weight * ~is_target, weight * is_target


def value(h, source, target):
    return float(mean_discrepancy(*(tf.constant(array, tf.float64) for array in (h, source, target)), WIDTHS))


def test_value_is_that_of_all_pairs(sample):
    assert value(*sample) == pytest.approx(by_hand(*sample), rel=1e-12)


def test_only_relative_weights_count_and_those_of_zero_do_not(sample):
    h, source, target = sample
    there = source + target > 0
    assert value(h, 3 * source, 0.1 * target) != pytest.approx(value(*sample), rel=1e-3)  # the spread is that of both
    assert value(h, 3 * source, 3 * target) == pytest.approx(value(*sample), rel=1e-12)
    assert value(h[there], source[there], target[there]) == pytest.approx(value(*sample), rel=1e-12)


def test_pairs_of_different_rows_count_as_often_as_repeated_rows(sample):
    """Weights 2 and 3 are rows that are there twice and three times, but for the pairs of a row with its own copies."""
    h, source, target = sample
    source, target = np.round(source), np.round(target)
    times = (source + target).astype(int)
    again = np.repeat(np.arange(12), times)
    spread = spread_by_hand(h, source + target)

    def mean(rows, others):
        distances = np.array([((h[i] - h[j]) ** 2).sum() for i in rows for j in others if i != j])
        return np.mean([np.exp(-distances / (2 * a * spread)) for a in WIDTHS])

    ours, theirs = again[source[again] > 0], again[target[again] > 0]
    expected = mean(ours, ours) + mean(theirs, theirs) - 2 * mean(ours, theirs)
    assert value(h, source, target) == pytest.approx(expected, rel=1e-12)


def test_gradient_is_that_of_fixed_widths(sample):
    h, source, target = sample
    with tf.GradientTape() as tape:
        features = tf.constant(h)
        tape.watch(features)
        found = mean_discrepancy(features, tf.constant(source), tf.constant(target), WIDTHS)
    gradient = tape.gradient(found, features).numpy()
    spread = spread_by_hand(h, source + target)
    for row, column in ((0, 0), (1, 2), (4, 1), (11, 2)):
        step = np.zeros_like(h)
        step[row, column] = 1e-5
        difference = by_hand(h + step, source, target, spread) - by_hand(h - step, source, target, spread)
        assert gradient[row, column] == pytest.approx(difference / 2e-5, rel=1e-5, abs=1e-10)
    assert np.abs(gradient).max() > 1e-3
    assert not gradient[source + target == 0].any()


def test_estimate_has_no_bias_with_weights():
    """Rows of a wrong spectrum with the weights that mend it, against rows of the right one."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(600):
        x, y = rng.uniform(0, 1, 14), np.sqrt(rng.uniform(0, 1, 10))  # densities 1 and 2 x
        source, target = np.r_[2 * x, np.zeros(10)], np.r_[np.zeros(14), np.ones(10)]
        found.append(value(np.r_[x, y][:, None], source, target))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 5 * error
    assert error < 0.01
    assert min(found) < 0  # it is not clipped


def test_it_takes_a_shift_away():
    rng = np.random.default_rng(2)
    x, is_target = rng.normal(size=(240, 2)).astype("f4"), np.arange(240) % 2 == 0
    ones, shift = tf.constant(is_target, tf.float32), tf.Variable([1.5, -1.0])
    first = None
    for _ in range(200):
        with tf.GradientTape() as tape:
            distance = mean_discrepancy(x + ones[:, None] * shift, 1 - ones, ones, WIDTHS)
        first = float(distance) if first is None else first
        shift.assign_sub(2.0 * tape.gradient(distance, shift))
    assert np.abs(shift.numpy()).max() < 0.3
    assert float(distance) < 0.05 * first


def test_rows_without_a_partner_give_zero():
    h, one = np.ones((3, 2)), np.array([1.0, 0, 0])
    assert value(h, one, 0 * one) == 0
    assert value(h, 0 * one, 0 * one) == 0


NETWORK = tiny_network(
    tau={"n_features": 6, "widths": [5]},
    components={"egamma": {"n_features": 5, "widths": [4]}},
    merge={"widths": [4]},
    grids={"inner": {"n_cells": 3}},
    class_head={"widths": [6]},
    adversarial_head={"widths": [6]},
    dropout=0.0,
)
KNOBS = {"learning_rate": 1e-3, "mmd_weight": 3.0}


@pytest.fixture(scope="module")
def trainer():
    changes = {
        "method": "mmd",
        "data.shards": "a",
        "data.adv_shards": "b",
        "data.n_tau": 9,
        "data.n_adv_tau": 8,
        "model.precision": "float64",
    }
    model = build_classifier(NETWORK, dtype="float64", seed=2)
    randomise(model)
    return Trainer(model, training_settings(None, changes))


def test_step_follows_both_losses(trainer):
    batch = paired_batch(NETWORK, 9, 8, seed=4)
    trainer.guard.start(0)
    weights = trainer.model.get_weights()
    features = trainer._forward(network_inputs(batch), training=True)["features"].numpy()
    trainer.model.set_weights(weights)
    weight, target = batch["weight_adv"].numpy().astype(float), batch["y_adv"].numpy()[:, 0]
    expected = by_hand(features, weight * (1 - target), weight * target)
    view = trainer.view_of(batch, batch, KNOBS)
    joint, apart = (trainer.combined(view, measured=measured) for measured in (False, True))
    ((_, term),) = joint.losses.domain
    assert float(term) == pytest.approx(expected, rel=1e-9)
    assert not trainer.model.is_adversarial
    assert float(joint.losses.loss) == pytest.approx(float(joint.losses.pure + joint.losses.penalty), rel=1e-12)
    (of_domain,) = apart.of_domain
    assert max(np.abs(gradient).max() for gradient in of_domain) > 1e-4
    pairs = zip(joint.gradients["common"], apart.of_class, of_domain, common_variables(trainer.model), strict=True)
    for both, of_class, of_mmd, variable in pairs:
        np.testing.assert_allclose(both, of_class + 3.0 * of_mmd, rtol=0, atol=1e-10, err_msg=variable.path)


def test_metrics_of_steps_and_validation(trainer):
    batch = paired_batch(NETWORK, 9, 8, seed=4)
    trainer.train(batch, KNOBS)
    found = means(trainer.sums.names, trainer.sums.take())
    assert np.isfinite(found["mmd"])
    assert "adv_loss" not in trainer.sums.names
    trainer.validate_adversarial(batch)
    one = means(trainer.validation_sums.names, trainer.validation_sums.read())["mmd"]
    trainer.validate_adversarial(paired_batch(NETWORK, 3, 1, seed=5))  # no pair: it does not count
    assert means(trainer.validation_sums.names, trainer.validation_sums.read())["mmd"] == one


def test_factor_grows_as_asked_for():
    method = Mmd(mmd_weight=4, mmd_schedule={"kind": "linear", "steps": 8})
    assert [method.knobs(step, 100, 1.0)["mmd_weight"] for step in (0, 2, 8, 50)] == [0, 1, 4, 4]
