"""Dropout of sparse grids: cheap random numbers, and evenly spread masks for the rows that stand for the empty cells."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["RowDropout"]

_LEVELS = 2**16
# raw_ops.StatelessRandom...: the numbers of tf.random.stateless_uniform (Philox) by two operations instead of nine


@keras.saving.register_keras_serializable(package="TauAdv")
class RowDropout(keras.layers.Dropout):
    """Dropout of rows [1, rows, 1, features], the last ``n_empty_rows`` of which represent many cells each.

    Filled cells are dropped independently. A few rows that stand for all empty cells would, with independent masks, let the
    batch statistics fluctuate far more than the empty cells themselves do. So the masks of the K empty rows are spread
    evenly: of every feature the same number of rows is dropped, so that a mean over equal rows is kept exactly, while two
    features are dropped independently. Row i of feature c is dropped where (a_c i + b_c) mod K < n, with random b_c, random
    a_c without a common divisor with K, and n = K x rate rounded up or down at random.

    Without empty rows it is plain dropout, of inputs of any shape. The rate is that of Keras' layer to within 1e-5.

    Args:
        rate: fraction to drop.
        n_empty_rows: rows that stand for the empty cells in training.
    """

    def __init__(self, rate: float, n_empty_rows: int = 0, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.n_empty_rows = n_empty_rows

    def call(self, inputs: tf.Tensor, training: bool | None = False) -> tf.Tensor:
        """Return the rows after dropout."""
        if not training or not self.rate:
            return inputs
        scale = tf.constant(_LEVELS / (_LEVELS - _threshold(self.rate)), tf.float32)
        if not self.n_empty_rows:
            kept = self._independent(tf.reshape(tf.size(inputs), [1]), *self._seeds(1))
            return _masked(inputs, tf.reshape(kept, tf.shape(inputs)), scale)
        n_features = inputs.shape[-1]
        n_filled = tf.shape(inputs)[1:2] - self.n_empty_rows
        for_even, for_independent = self._seeds(2)
        even, even_scale = self._even(n_features, for_even)
        independent = tf.reshape(self._independent(n_filled * n_features, for_independent), (1, -1, 1, n_features))
        scales = tf.concat([tf.fill(n_filled, scale), even_scale], axis=0)
        return _masked(inputs, tf.concat([independent, even], axis=1), tf.reshape(scales, (-1, 1, 1)))

    def _independent(self, size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return which of ``size`` [1] entries are kept, each at random; one random word serves two of them."""
        words = tf.raw_ops.StatelessRandomUniformFullInt(shape=(size + 1) // 2, seed=seed, dtype=tf.uint32)
        levels = tf.slice(tf.reshape(tf.bitcast(words, tf.uint16), (-1,)), [0], size)
        return levels >= tf.constant(_threshold(self.rate), tf.uint16)

    def _even(self, n_features: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return which entries of the empty rows [1, rows, 1, features] are kept, and the factors [rows] to make up."""
        count = self.n_empty_rows
        draws = tf.raw_ops.StatelessRandomUniform(shape=[2 * (n_features + 1)], seed=seed, dtype=tf.float32)
        rounding, choice, _, start = tf.split(draws, [1, n_features, 1, n_features])
        coprime = [number for number in range(1, count + 1) if math.gcd(number, count) == 1]
        step = tf.gather(tf.constant(coprime), _scaled(choice, len(coprime)))
        n_dropped = tf.cast(tf.floor(count * self.rate + rounding), tf.int32)
        n_dropped = tf.minimum(n_dropped, count - 1)
        rows = tf.constant(np.arange(count, dtype=np.int32).reshape(1, -1, 1, 1))
        kept = tf.math.floormod(rows * step + _scaled(start, count), count) >= n_dropped
        return kept, tf.tile(count / tf.cast(count - n_dropped, tf.float32), [count])

    def _seeds(self, count: int) -> list[tf.Tensor]:
        """Return the next seeds of the layer, those of ``count`` calls of ``seed_generator.next()``, by fewer operations."""
        state = self.seed_generator.state
        present = tf.convert_to_tensor(state.value)
        state.assign(present + tf.constant([0, count], present.dtype))
        first = tf.cast(present, tf.int32)
        return [first, *(tf.add(first, [0, number]) for number in range(1, count))]

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "n_empty_rows": self.n_empty_rows}


def _masked(inputs: tf.Tensor, kept: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Return scale x inputs where they are kept, else zero; the backward pass keeps the mask only."""

    def apply(rows: tf.Tensor) -> tf.Tensor:
        return tf.where(kept, rows, tf.zeros((), rows.dtype)) * tf.cast(scale, rows.dtype)

    @tf.custom_gradient
    def masked(rows: tf.Tensor) -> Any:
        return apply(rows), apply

    return masked(inputs)


def _scaled(uniform: tf.Tensor, count: int) -> tf.Tensor:
    """Return integers from 0 to count - 1 of uniform numbers in [0, 1)."""
    return tf.minimum(tf.cast(uniform * count, tf.int32), count - 1)


def _threshold(rate: float) -> int:
    return round(rate * _LEVELS)
