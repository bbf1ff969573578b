"""Further steps of the adversarial head: as many as asked for, of the head alone, by the formula."""

import numpy as np
import pytest
import tensorflow as tf
from nadam_reference import NadamReference
from network_batches import paired_batch, randomise, tiny_network
from training_classes import load_adversarial

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.tagger import network_inputs
from TauAdv.models.variables import part_of_layer
from TauAdv.training.run.checkpoints import model_variables
from TauAdv.training.step.head_steps import FEATURES, with_features
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

N_CLASS, N_ADV = 9, 5
RATE = 2**-7  # held exactly by the float32 knob
KNOBS = {"learning_rate": 2**-10, "adv_learning_rate": RATE, "k1": 1.0, "k2": 3.0}
NETWORK = {
    "tau": {"n_features": 6, "widths": [5]},
    "components": {"egamma": {"n_features": 5, "widths": [4]}},
    "merge": {"widths": [4]},
    "grids": {"inner": {"n_cells": 3}},
    "class_head": {"widths": [6]},
    "adversarial_head": {"widths": [6]},
}


def make_trainer(n_steps, dropout):
    changes = {
        "data.shards": "a",
        "data.adv_shards": "b",
        "data.n_tau": N_CLASS,
        "data.n_adv_tau": N_ADV,
        "method.adv_head_steps": n_steps,
    }
    model = build_adversarial(tiny_network(**NETWORK, dropout=dropout), dtype="float64", seed=4)
    randomise(model)
    return Trainer(model, load_adversarial(None, changes))


def values_by_part(trainer):
    """Every variable of the model, random states included, and the state of the optimisers, by the part it belongs to."""
    found = {"common": {}, "class_head": {}, "adversarial_head": {}}
    for name, value in model_variables(trainer.model).items():
        found[part_of_layer(name.split("/")[0])][name] = value.numpy()
    found["optimizer"] = {name: value.numpy() for name, value in trainer.optimizers["optimizer"].state().items()}
    found["adv_optimizer"] = {name: value.numpy() for name, value in trainer.optimizers["adv_optimizer"].state().items()}
    return found


@pytest.fixture(scope="module")
def batch():
    return paired_batch(tiny_network(**NETWORK), N_CLASS, N_ADV, seed=3)


@pytest.mark.parametrize("measure", [False, True])
def test_only_the_head_moves_further(batch, measure):
    after, metrics = [], []
    for n_steps in (1, 3):
        trainer = make_trainer(n_steps, dropout=0.2)
        trainer.train(batch, KNOBS, measure_gradients=measure)
        after.append(values_by_part(trainer))
        metrics.append(means(trainer.sums.names, trainer.sums.read()))
        assert after[-1]["optimizer"]["iterations"] == 1
        assert after[-1]["adv_optimizer"]["iterations"] == n_steps
    for part in ("common", "class_head", "optimizer"):
        for name, value in after[0][part].items():
            np.testing.assert_array_equal(after[1][part][name], value, err_msg=name)
    for name, value in after[0]["adversarial_head"].items():
        if value.size > 1:  # offsets before a normalisation have no gradient: they may stay
            assert name.startswith("final_adv_dense_1/1") or (after[1]["adversarial_head"][name] != value).any(), name
    assert metrics[0] == metrics[1]  # they are those of the joint step


def by_hand(weights, features):
    """The adversarial head in training: probabilities, and the running statistics after it."""
    rows = features @ weights["kernel"] + weights["bias"]
    mean, variance = tf.reduce_mean(rows, 0), tf.math.reduce_variance(rows, 0)
    rows = weights["gamma"] * (rows - mean) / tf.sqrt(variance + 1e-3) + weights["beta"]
    rows = tf.maximum(rows, 0) + weights["alpha"] * tf.minimum(rows, 0)
    statistics = [0.99 * weights["mean"] + 0.01 * mean, 0.99 * weights["variance"] + 0.01 * variance]
    return tf.sigmoid(rows @ weights["last_kernel"] + weights["last_bias"]), [value.numpy() for value in statistics]


NAMES = {
    "final_adv_dense_1": ("kernel", "bias"),
    "final_adv_norm_1": ("gamma", "beta", "mean", "variance"),
    "final_adv_activation_1": ("alpha",),
    "final_dense_adv": ("last_kernel", "last_bias"),
}


def head_weights(model):
    found = {}
    for layer, names in NAMES.items():
        found |= dict(zip(names, model.get_layer(layer).get_weights(), strict=True))
    return found


def test_steps_follow_the_formula(batch):
    """Three steps of the head, written out in float64 on the features before the joint update."""
    trainer = make_trainer(3, dropout=0.0)
    expected = head_weights(trainer.model)
    start = trainer.model.get_weights()
    features = with_features(trainer.model)(network_inputs(batch), training=True)[FEATURES]
    trainer.model.set_weights(start)
    labels, weight = (tf.cast(batch[name], tf.float64)[N_CLASS:] for name in ("y_adv", "weight_adv"))
    optimizer = NadamReference(RATE, 0.004)
    for _ in range(3):
        trained = {name: tf.constant(v) for name, v in expected.items() if name not in ("mean", "variance")}
        with tf.GradientTape() as tape:
            tape.watch(trained)
            scores, statistics = by_hand(expected | trained, features)
            p = scores[N_CLASS:, 0]
            entropy = -labels[:, 0] * tf.math.log(p) - (1 - labels[:, 0]) * tf.math.log(1 - p)
            loss = tf.reduce_sum(weight * entropy) / N_ADV
        gradients = {name: value.numpy() for name, value in tape.gradient(loss, trained).items()}
        expected |= optimizer.step(expected, gradients) | dict(zip(("mean", "variance"), statistics, strict=True))
    before = head_weights(trainer.model)
    trainer.train(batch, KNOBS)
    found = head_weights(trainer.model)
    for name, value in expected.items():
        if name != "bias":  # no true gradient before a normalisation: what is left is rounding, which Nadam blows up
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-9, err_msg=name)
            assert np.abs(value - before[name]).max() > 1e-4, name
