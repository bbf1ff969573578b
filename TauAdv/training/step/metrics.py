"""Metrics of a training: weighted means whose numerators and denominators add up over batches.

(TauMLTools, arXiv:2201.08458.) The sums live in a variable next to the network, so that a step does not wait for the
host to read them; they are exact for any sizes of batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.deeptau.losses import LossFunction, shared_parts
from TauAdv.models.replicas import sum_over_replicas
from TauAdv.training.methods.method import Method

__all__ = ["MetricSums", "adversarial_metrics", "class_metrics", "means", "metrics_of"]

Ratio = tuple[tf.Tensor | float, tf.Tensor | float]

_LOSSES = {
    "loss": "class loss with the penalty on weights: sum of weight x loss over class rows / their number",
    "pure_loss": "the same without the penalty and what a method adds",
    "reg_loss": "penalty on weights",
}
_GRADIENT = {"class_gradient": "mean over common variables of the mean |gradient| of the class loss, before k1"}
_ACCURACY = {"accuracy": "share of class rows whose largest score is their class (unweighted)"}


def metrics_of(methods: Sequence[Method]) -> dict[str, str]:
    """Return the metrics of a step with their meanings, those of methods included.

    The losses of the TauLosses family are further ones: unweighted means over class rows. The order is that of the sums in
    a checkpoint.
    """
    own = {name: text for method in methods for name, text in method.metrics.items()}
    gradients = {name: text for method in methods for name, text in method.gradient_metrics.items()}
    return {**_LOSSES, **own, **_GRADIENT, **gradients, **_ACCURACY}


def class_metrics(labels: tf.Tensor, scores: tf.Tensor, terms: Mapping[str, LossFunction]) -> dict[str, Ratio]:
    """Return accuracy and loss terms of class rows as (sum, number).

    Args:
        labels: one-hot [n, classes]; rows without a label are left out.
        scores: class probabilities [n, classes].
        terms: losses by name.
    """
    labels = tf.cast(labels, scores.dtype)
    known = tf.reduce_sum(labels, axis=1)
    number = tf.reduce_sum(known)
    right = tf.cast(tf.equal(tf.argmax(labels, axis=1), tf.argmax(scores, axis=1)), scores.dtype)
    ratios = {"accuracy": (tf.reduce_sum(right * known), number)}
    with shared_parts():
        for name, loss in terms.items():
            ratios[name] = (tf.reduce_sum(loss(labels, scores) * known), number)
    return ratios


def adversarial_metrics(labels: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor) -> dict[str, Ratio]:
    """Return the weighted accuracy of telling data from simulation, for labels and scores [n, 1] and weights [n]."""
    right = tf.equal(scores[:, 0] > 0.5, labels[:, 0] > 0.5)
    weights = tf.cast(weights, scores.dtype)
    return {"adv_accuracy": (tf.reduce_sum(tf.where(right, weights, 0.0)), tf.reduce_sum(weights))}


class MetricSums:
    """Sums of numerators and denominators of named metrics.

    Args:
        names: the metrics; a step adds to all or to some of them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._sums = tf.Variable(tf.zeros((len(self.names), 2), tf.float64), trainable=False, name="metric_sums")

    def add(self, ratios: Mapping[str, Ratio]) -> None:
        """Add (numerator, denominator) of metrics, of all replicas; to be called in a compiled step."""
        rows = [tf.stack([tf.cast(part, tf.float64) for part in ratios.get(name, (0.0, 0.0))]) for name in self.names]
        self._sums.assign_add(sum_over_replicas(tf.stack(rows)))

    def read(self) -> NDArray[np.float64]:
        """Return the sums [metrics, 2]."""
        return self._sums.numpy()

    def set(self, sums: NDArray[np.float64]) -> None:
        """Replace the sums."""
        self._sums.assign(sums)

    def take(self) -> NDArray[np.float64]:
        """Return the sums and start again from zero."""
        sums = self.read()
        self._sums.assign(tf.zeros_like(self._sums))
        return sums


def means(names: Sequence[str], sums: NDArray[np.float64], prefix: str = "") -> dict[str, float]:
    """Return the metrics that have a denominator; not finite where numerator or denominator is not."""
    # not "bottom > 0": a denominator that is no number must show
    return {prefix + name: top / bottom for name, (top, bottom) in zip(names, sums.tolist(), strict=True) if not bottom <= 0}
