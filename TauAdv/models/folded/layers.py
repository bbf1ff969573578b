"""The operations of folded layers, on rows [rows, features] and on grids [n, eta, phi, features]."""

from __future__ import annotations

import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.folded.weights import FoldedLayer

__all__ = ["apply_convolution", "apply_dense", "prelu"]


def prelu(x: tf.Tensor, slope: NDArray | None) -> tf.Tensor:
    """Return x where it is positive and slope times x elsewhere; ``x`` itself without slope.

    Where every slope is at most one this is the larger of x and slope times x: two passes over memory in place of five.
    """
    if slope is None:
        return x
    if (slope <= 1).all():
        return tf.maximum(x, x * slope)
    return tf.where(x > 0, x, x * slope)


def apply_dense(x: tf.Tensor, layer: FoldedLayer) -> tf.Tensor:
    """Return rows [rows, outputs] of rows [rows, inputs]."""
    return prelu(tf.nn.bias_add(tf.matmul(x, layer.kernel), layer.bias), layer.slope)


def apply_convolution(x: tf.Tensor, layer: FoldedLayer, stride: int) -> tf.Tensor:
    """Return grids [n, eta, phi, outputs] after a convolution with valid padding."""
    x = tf.nn.conv2d(x, layer.kernel, strides=stride, padding="VALID")
    return prelu(tf.nn.bias_add(x, layer.bias), layer.slope)
