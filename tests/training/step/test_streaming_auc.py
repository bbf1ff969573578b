"""Areas under ROC curves from histograms."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from TauAdv.training.step.streaming_auc import Separation

PAIRS = {"one": (0, 2), "two": (0, 1)}


def rows(number, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, number)
    return label, scale * (rng.normal(size=(number, 3)) + 0.8 * np.eye(3)[label])


@pytest.mark.parametrize("are_logits", [True, False])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_areas_are_those_of_scikit_learn(are_logits, scale):
    label, logits = rows(4000, scale=scale if are_logits else min(scale, 1.0))
    scores = tf.constant(logits, tf.float32)
    separation = Separation(PAIRS, are_logits=are_logits)
    for part in np.array_split(np.arange(4000), 3):
        labels = tf.constant(np.eye(3)[label[part]], tf.float32)
        given = tf.gather(scores, part)
        separation.add(labels, given if are_logits else tf.nn.softmax(given))
    found = separation.areas(separation.take(), "val_")
    for name, (signal, background) in PAIRS.items():
        chosen = (label == signal) | (label == background)
        odds = logits[chosen, signal] - logits[chosen, background]
        assert found[f"val_{name}"] == pytest.approx(roc_auc_score(label[chosen] == signal, odds), abs=2e-4)
    assert not separation.take().any()


def test_ties_count_half_and_absent_classes_are_left_out():
    separation = Separation(PAIRS, are_logits=True)
    separation.add(tf.constant(np.eye(3)[[0, 0, 2, 2]], tf.float32), tf.zeros((4, 3)))
    assert separation.areas(separation.take()) == {"one": 0.5}


def test_rows_without_a_label_do_not_count():
    separation = Separation(PAIRS, are_logits=True)
    labels = np.vstack([np.eye(3)[[0, 2]], np.zeros((3, 3))])
    separation.add(tf.constant(labels, tf.float32), tf.constant([[1.0, 0, 0], [0, 0, 1], [0, 0, 9], [9, 0, 0], [1, 0, 1]]))
    assert separation.areas(separation.take()) == {"one": 1.0}
