"""Metrics against their definitions, written out with numpy."""

import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.deeptau.losses import TauLosses
from TauAdv.training.step.metrics import MetricSums, adversarial_metrics, class_metrics, means


def test_adversarial_accuracy_is_weighted_at_one_half():
    scores = np.array([0.2, 0.5, 0.51, 0.9, 0.4], "f4")
    labels = np.array([0, 0, 1, 0, 1], "f4")
    weights = np.array([1, 2, 4, 8, 16], "f4")
    top, bottom = adversarial_metrics(tf.constant(labels[:, None]), tf.constant(scores[:, None]), tf.constant(weights))[
        "adv_accuracy"
    ]
    assert (float(top), float(bottom)) == (1 + 2 + 4, 31)


def test_rows_without_a_label_do_not_count():
    labels = np.eye(4, dtype="f4")[[0, 1, 2, 3, 0]]
    labels[4] = 0
    scores = np.full((5, 4), 0.1, "f4")
    scores[[0, 1, 2, 3], [0, 2, 2, 3]] = 0.7
    found = class_metrics(
        tf.constant(labels), tf.constant(scores), {"plain": lambda y, p: -tf.reduce_sum(y * tf.math.log(p), 1) + 1}
    )
    assert tuple(map(float, found["accuracy"])) == (3, 4)
    top, bottom = map(float, found["plain"])
    assert (top, bottom) == (pytest.approx(-3 * np.log(0.7) - np.log(0.1) + 4, rel=1e-6), 4)


def test_terms_together_are_those_of_each_alone_with_their_parts_worked_out_once():
    rng = np.random.default_rng(4)
    labels = tf.constant(np.eye(4, dtype="f4")[rng.integers(4, size=50)])
    scores = tf.constant(rng.dirichlet(np.ones(4) / 4, size=50).astype("f4"))
    terms = TauLosses().functions()
    together = tf.function(lambda y, p: class_metrics(y, p, terms)).get_concrete_function(labels, scores)
    found = together(labels, scores)
    for name, loss in terms.items():
        np.testing.assert_array_equal(found[name][0], tf.reduce_sum(loss(labels, scores)), err_msg=name)
    kinds = [operation.type for operation in together.graph.get_operations()]
    assert kinds.count("Tanh") == 1
    assert kinds.count("ClipByValue") + kinds.count("Minimum") == 4 + 3  # of each score, and of three pairs


def test_sums_give_the_mean_over_batches_of_unequal_size():
    values = np.random.default_rng(1).normal(size=10)
    sums = MetricSums(["a", "b"])
    for part in np.split(values, [7]):
        sums.add({"a": (tf.constant(part.sum()), tf.constant(float(len(part))))})
    assert means(sums.names, sums.read(), "val_") == {"val_a": pytest.approx(values.mean())}
    kept = sums.take()
    assert not sums.read().any()
    sums.set(kept)
    assert means(sums.names, sums.read()) == {"a": pytest.approx(values.mean())}
