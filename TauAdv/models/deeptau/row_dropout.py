"""Dropout of sparse grids: cheap random numbers, and evenly spread masks for the rows that stand for the empty cells."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

__all__ = ["PHILOX", "RowDropout"]

_LEVELS = 2**16
#: On CPUs and GPUs that is Philox. By its own name, TensorFlow would take forty operations more for every draw.
PHILOX = "auto_select"


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
        shape = tf.shape(inputs)
        scale = tf.constant(_LEVELS / (_LEVELS - _threshold(self.rate)), tf.float32)
        if not self.n_empty_rows:
            return _masked(inputs, self._independent(shape), scale)
        n_filled = shape[1] - self.n_empty_rows
        even, even_scale = self._even(inputs.shape[-1])
        kept = tf.concat([self._independent(tf.stack([1, n_filled, 1, shape[3]])), even], axis=1)
        scales = tf.concat([tf.fill([n_filled], scale), tf.fill([self.n_empty_rows], even_scale)], axis=0)
        return _masked(inputs, kept, scales[:, None, None])

    def _independent(self, shape: tf.Tensor) -> tf.Tensor:
        """Return which entries are kept, each at random; one random word serves two of them."""
        size = tf.reduce_prod(shape)
        options: Any = {"minval": None, "maxval": None, "dtype": tf.uint32, "alg": PHILOX}
        words = tf.random.stateless_uniform(((size + 1) // 2)[None], self._seed(), **options)
        levels = tf.reshape(tf.bitcast(words, tf.uint16), (-1,))[:size]
        return tf.reshape(levels >= tf.constant(_threshold(self.rate), tf.uint16), shape)

    def _even(self, n_features: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return which entries of the empty rows [1, rows, 1, features] are kept, and the factor that makes up for it."""
        count = self.n_empty_rows
        draws = tf.random.stateless_uniform((2, n_features + 1), self._seed(), dtype=tf.float32, alg=PHILOX)
        coprime = [number for number in range(1, count + 1) if math.gcd(number, count) == 1]
        step = tf.gather(tf.constant(coprime), _scaled(draws[0, 1:], len(coprime)))
        first = _scaled(draws[1, 1:], count)
        n_dropped = tf.cast(tf.floor(count * self.rate + draws[0, 0]), tf.int32)
        n_dropped = tf.minimum(n_dropped, count - 1)
        kept = tf.math.floormod(tf.range(count)[:, None] * step + first, count) >= n_dropped
        return kept[None, :, None], count / tf.cast(count - n_dropped, tf.float32)

    def _seed(self) -> tf.Tensor:
        return tf.cast(self.seed_generator.next(), tf.int32)

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
