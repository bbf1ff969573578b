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
        if not (training and self.trainable):
            return super().call(tf.cast(inputs, self.compute_dtype), training=training, mask=mask)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        weights = None if row_weights is None else tf.cast(row_weights, dtype)
        gamma, beta = tf.cast(self.gamma, dtype), tf.cast(self.beta, dtype)
        if are_several():
            rows = tf.cast(inputs, dtype)
            mean, variance = shared_moments(rows, weights)
            scale = gamma * tf.math.rsqrt(variance + self.epsilon)
            outputs = tf.cast(rows * scale + (beta - mean * scale), self.compute_dtype)
        else:
            outputs, mean, variance = normalised(tf.cast(inputs, self.compute_dtype), weights, gamma, beta, self.epsilon)
        for running, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + tf.cast(current, running.dtype) * (1.0 - self.momentum))
        return outputs


def normalised(
    inputs: tf.Tensor, weights: tf.Tensor | None, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return rows [..., features] normalised by their own statistics, and their mean and variance [features].

    The backward pass is written out: it keeps the rows and nothing else, and passes over them half as often as the one that
    TensorFlow would derive. Mean and variance are for the running statistics, which no gradient reaches.
    """
    dtype, n_features = gamma.dtype, inputs.shape[-1]
    shares = None if weights is None else tf.reshape(weights / tf.reduce_sum(weights), (-1, 1))

    def flat(rows: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.reshape(rows, (-1, n_features)), dtype)

    def mean_of(rows: tf.Tensor) -> tf.Tensor:
        if shares is None:
            return tf.reduce_mean(rows, axis=0)
        return tf.squeeze(tf.matmul(shares, rows, transpose_a=True), 0)

    rows = flat(inputs)
    mean = mean_of(rows)
    variance = mean_of(tf.math.squared_difference(rows, mean))
    root = tf.math.rsqrt(variance + epsilon)

    # the statistics are no outputs of it: TensorFlow would make zeros for their gradients
    @tf.custom_gradient
    def normalise(inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> Any:
        scale = gamma * root
        outputs = tf.cast(tf.reshape(rows * scale + (beta - mean * scale), tf.shape(inputs)), inputs.dtype)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            distance, by_output = flat(inputs) - mean, flat(upstream)
            by_beta = tf.reduce_sum(by_output, axis=0)
            by_gamma = tf.reduce_sum(by_output * distance, axis=0) * root
            through_statistics = distance * (scale * root * by_gamma) + scale * by_beta
            share = 1 / tf.cast(tf.size(inputs) // n_features, dtype) if shares is None else shares
            by_input = by_output * scale - through_statistics * share
            return tf.cast(tf.reshape(by_input, tf.shape(inputs)), inputs.dtype), by_gamma, by_beta

        return outputs, gradient

    return normalise(inputs, gamma, beta), mean, variance


def shared_moments(rows: tf.Tensor, weights: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance [features] of the rows [..., features] of all replicas, with weights of as many rows."""
    flat = tf.reshape(rows, (-1, rows.shape[-1]))
    weights = tf.ones((1, tf.shape(flat)[0]), flat.dtype) if weights is None else tf.reshape(weights, (1, -1))
    sums = sum_over_replicas(tf.concat([tf.matmul(weights, flat)[0], [tf.reduce_sum(weights)]], axis=0))
    mean, total = sums[:-1] / sums[-1], sums[-1]
    # a second sum, of squared distances from the mean: E[x^2] - E[x]^2 would lose digits
    variance = sum_over_replicas(tf.matmul(weights, tf.square(flat - mean))[0]) / total
    return mean, variance
