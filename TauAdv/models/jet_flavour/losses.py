"""The losses of the jet-flavour network: per jet, from one-hot labels and logits [n, classes].

(arXiv:2203.13890.) They are computed from logits, so that neither value nor gradient is lost where a
probability rounds to 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from TauAdv.errors import ConfigError
from TauAdv.models.deeptau.losses import LossFunction
from TauAdv.models.jet_flavour.settings import JetLossSettings

__all__ = ["JetLossSettings", "crossentropy", "focal_loss", "jet_loss", "weighted_mean"]


def jet_loss(settings: JetLossSettings, n_classes: int = 3) -> LossFunction:
    """Return the loss [n] of labels and logits that the settings describe.

    Raises:
        ConfigError: if ``alpha`` has not one entry per class.
    """
    alpha = settings.alpha
    if alpha is not None and len(alpha) != n_classes:
        msg = f"alpha: expected one factor for each of the {n_classes} classes, received {len(alpha)}: {list(alpha)}"
        raise ConfigError(msg)
    single = crossentropy if settings.kind == "crossentropy" else focal_loss(settings.gamma, alpha)
    if not settings.paper_compatible:
        return single
    return lambda labels, logits: single(labels, tf.nn.softmax(logits))


def crossentropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return -log p_y [n]."""
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def focal_loss(gamma: float = 2.0, alpha: Sequence[float] | None = None) -> LossFunction:
    """Return the loss -alpha_y (1 - p_y)^gamma log p_y [n] (T.-Y. Lin et al., arXiv:1708.02002)."""

    def loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        log_p = -crossentropy(labels, logits)
        # log p_y is 0 where the other classes have underflowed; the power's gradient would be infinite there for gamma < 1
        others = tf.maximum(-tf.math.expm1(log_p), tf.constant(_SMALLEST, log_p.dtype))
        value = -tf.pow(others, gamma) * log_p
        return value if alpha is None else tf.linalg.matvec(labels, tf.constant(alpha, labels.dtype)) * value

    return loss


_SMALLEST = 1e-30


def weighted_mean(values: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Return the mean of per-jet values with weights: normalised by the sum of weights; 0 if that is 0."""
    weight = tf.cast(weight, values.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * values), tf.reduce_sum(weight))
