"""Areas under ROC curves of pairs of classes, from histograms that add up over batches and devices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.scores import log_probabilities

__all__ = ["Separation"]

_BINS = 8192
_FINENESS, _RANGE = 100.0, 11.0
"""Bins are equal in asinh(fineness x log odds of the two classes) from -range to range: fine near 0, wide far from it."""


class Separation:
    """Histograms of ln(p_signal / p_background) for pairs of classes.

    Of the two classes only: the area is that of p_signal / (p_signal + p_background), jets or taus count 1 each.

    Args:
        pairs: name -> (signal, background), numbers of classes.
        are_logits: whether scores are logits; otherwise, probabilities.
    """

    def __init__(self, pairs: Mapping[str, tuple[int, int]], *, are_logits: bool) -> None:
        self.pairs = dict(pairs)
        self._are_logits = are_logits
        zeros = tf.zeros((len(self.pairs), 2, _BINS), tf.float64)
        self._counts = tf.Variable(zeros, trainable=False, name="separation")

    def add(self, labels: tf.Tensor, scores: tf.Tensor) -> None:
        """Add rows with one-hot labels [n, classes] and scores [n, classes]; in a compiled function."""
        log_p = log_probabilities(scores, are_logits=self._are_logits)
        for number, pair in enumerate(self.pairs.values()):
            position = tf.asinh(_FINENESS * (log_p[:, pair[0]] - log_p[:, pair[1]])) / (2 * _RANGE) + 0.5
            bins = tf.clip_by_value(tf.cast(position * _BINS, tf.int32), 0, _BINS - 1)
            for side, k in enumerate(pair):
                found = tf.math.bincount(bins, tf.cast(labels[:, k], tf.float64), minlength=_BINS, maxlength=_BINS)
                self._counts[number, side].assign(self._counts[number, side] + found)

    def take(self) -> NDArray[np.float64]:
        """Return the histograms [pairs, 2, bins] and start again from zero."""
        counts = self._counts.numpy()
        self._counts.assign(tf.zeros_like(self._counts))
        return counts

    def areas(self, counts: NDArray[np.float64], prefix: str = "") -> dict[str, float]:
        """Return the areas by name, of those pairs that have both classes; rows in one bin count as ties."""
        found = {}
        for name, (signal, background) in zip(self.pairs, counts, strict=True):
            if signal.sum() and background.sum():
                below = np.cumsum(background) - background / 2
                found[prefix + name] = float(signal @ below / (signal.sum() * background.sum()))
        return found
