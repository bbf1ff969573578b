"""Batch normalisation in which rows may count more than once, with the statistics of the batch of all devices."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.replicas import are_several, sum_over_replicas

__all__ = ["WeightedBatchNormalization"]


@keras.saving.register_keras_serializable(package="TauAdv")
class WeightedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over the last axis, with an optional weight per row in the batch statistics.

    A row of weight w counts as w equal rows. Without weights, and whenever the running statistics are used, it is the Keras
    layer. Inputs [1, rows, 1, features], weights [1, rows, 1, 1]; without weights [..., features].

    Where several replicas share a batch, the statistics are those of the whole batch, and gradients pass through them to
    the rows of all replicas.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.autocast = False  # weights and running statistics keep full precision under a mixed dtype policy

    def call(
        self,
        inputs: tf.Tensor,
        row_weights: tf.Tensor | None = None,
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Return the normalised rows."""
        several = are_several()
        if (row_weights is None and not several) or not (training and self.trainable):
            return super().call(tf.cast(inputs, self.compute_dtype), training=training, mask=mask)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        rows = tf.cast(inputs, dtype)
        weights = None if row_weights is None else tf.cast(row_weights, dtype)
        mean, variance = shared_moments(rows, weights) if several else weighted_moments(rows, weights)
        for running, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + tf.cast(current, running.dtype) * (1.0 - self.momentum))
        scale = tf.cast(self.gamma, dtype) * tf.math.rsqrt(variance + self.epsilon)
        outputs = rows * scale + (tf.cast(self.beta, dtype) - mean * scale)
        return tf.cast(outputs, self.compute_dtype)


def weighted_moments(rows: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance [features] of rows [1, rows, 1, features] with weights [1, rows, 1, 1]."""
    flat = tf.reshape(rows, (-1, rows.shape[-1]))
    shares = tf.reshape(weights / tf.reduce_sum(weights), (1, -1))
    mean = tf.matmul(shares, flat)
    variance = tf.matmul(shares, tf.square(flat - mean))
    return mean[0], variance[0]


def shared_moments(rows: tf.Tensor, weights: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance [features] of the rows [..., features] of all replicas, with weights of as many rows."""
    flat = tf.reshape(rows, (-1, rows.shape[-1]))
    weights = tf.ones((1, tf.shape(flat)[0]), flat.dtype) if weights is None else tf.reshape(weights, (1, -1))
    sums = sum_over_replicas(tf.concat([tf.matmul(weights, flat)[0], [tf.reduce_sum(weights)]], axis=0))
    mean, total = sums[:-1] / sums[-1], sums[-1]
    # a second sum, of squared distances from the mean: E[x^2] - E[x]^2 would lose digits
    variance = sum_over_replicas(tf.matmul(weights, tf.square(flat - mean))[0]) / total
    return mean, variance
