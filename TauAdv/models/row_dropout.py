"""Dropout of the rows of sparse grids, with evenly distributed masks for the rows that stand for the empty cells."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

__all__ = ["RowDropout"]


@keras.saving.register_keras_serializable(package="TauAdv")
class RowDropout(keras.layers.Dropout):
    """Dropout of rows [1, rows, 1, features], the last ``n_empty_rows`` of which represent many cells each.

    Filled cells are dropped independently. A few rows that stand for all empty cells would, with independent masks, let the
    batch statistics fluctuate far more than the empty cells themselves do. So the masks of the empty rows are spread evenly:
    of every feature the same share of rows is dropped (to within a few rows, which the scale makes up for: a mean over equal
    rows is kept exactly), and any two features are dropped independently. Row i of feature c is dropped where
    (a_c i + b_c) mod P is small, with random a_c and b_c, and P the smallest prime not below the number of rows.

    Args:
        rate: fraction to drop.
        n_empty_rows: rows that stand for the empty cells in training.
    """

    def __init__(self, rate: float, n_empty_rows: int, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.n_empty_rows = n_empty_rows

    def call(self, inputs: tf.Tensor, training: bool | None = False) -> tf.Tensor:
        """Return the rows after dropout."""
        if not training or not self.rate:
            return inputs
        filled, empty = inputs[:, : -self.n_empty_rows], inputs[:, -self.n_empty_rows :]
        filled = keras.random.dropout(filled, self.rate, seed=self.seed_generator)
        return tf.concat([filled, empty * tf.cast(self._factors(inputs.shape[-1]), empty.dtype)], axis=1)

    def _factors(self, n_features: int) -> tf.Tensor:
        """Return what the empty rows are multiplied by, [rows, 1, features]."""
        prime = next_prime(self.n_empty_rows)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        draws = tf.random.stateless_uniform((2, n_features), seed, minval=0, maxval=prime, dtype=tf.int32, alg="philox")
        number = tf.range(self.n_empty_rows)[:, None]
        kept = tf.math.floormod(number * tf.maximum(draws[0], 1) + draws[1], prime) >= round(self.rate * prime)
        kept = tf.cast(kept, tf.float32)
        return (kept / tf.maximum(tf.reduce_mean(kept, axis=0), 1 / self.n_empty_rows))[:, None]

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "n_empty_rows": self.n_empty_rows}


def next_prime(number: int) -> int:
    """Return the smallest prime that is not below ``number`` (at least 2)."""
    candidate = max(number, 2)
    while any(candidate % divisor == 0 for divisor in range(2, math.isqrt(candidate) + 1)):
        candidate += 1
    return candidate
