"""The operations of folded layers, on rows [rows, features] and on grids [n, eta, phi, features]."""

from __future__ import annotations

import tensorflow as tf

from TauAdv.models.folded.weights import FoldedLayer

__all__ = ["apply_convolution", "apply_dense", "prelu"]


def prelu(x: tf.Tensor, layer: FoldedLayer) -> tf.Tensor:
    """Return the activation of a layer.

    A PReLU is x above zero and slope x below. For slopes up to one that is max(x, slope x), and for steeper ones -max(-x,
    -slope x): two passes over memory in place of four. Layers that are ``flipped`` give the steep ones as -x already.
    """
    if layer.slope is None:
        return x
    if layer.flipped or (layer.slope <= 1).all():
        return tf.maximum(x, x * layer.slope)
    return tf.nn.relu(x) + layer.slope * tf.minimum(x, 0)


def apply_dense(x: tf.Tensor, layer: FoldedLayer) -> tf.Tensor:
    """Return rows [rows, outputs] of rows [rows, inputs]."""
    return prelu(tf.nn.bias_add(tf.matmul(x, layer.kernel), layer.bias), layer)


def apply_convolution(x: tf.Tensor, layer: FoldedLayer, stride: int) -> tf.Tensor:
    """Return grids [n, eta, phi, outputs] after a convolution with valid padding."""
    x = tf.nn.conv2d(x, layer.kernel, strides=stride, padding="VALID")
    return prelu(tf.nn.bias_add(x, layer.bias), layer)
