"""Random numbers that depend on nothing but the seed: the same seed gives the same attack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import tensorflow as tf

__all__ = ["Seed", "normal", "uniform"]

#: A number, or a pair of numbers; as tensors, compiled functions are not traced again for every seed.
Seed: TypeAlias = Any


def uniform(tensors: Mapping[str, tf.Tensor], seed: Seed, start: int | tf.Tensor = 0) -> dict[str, tf.Tensor]:
    """Return numbers from -1 to 1 of the tensors' shapes; ``start`` tells repeated attacks of one seed apart."""
    seeds = _seeds(tensors, seed, start)
    return {
        name: tf.random.stateless_uniform(tf.shape(tensor), seeds[name], -1, 1, tensor.dtype)
        for name, tensor in tensors.items()
    }


def normal(tensors: Mapping[str, tf.Tensor], seed: Seed) -> dict[str, tf.Tensor]:
    """Return standard normal numbers of the tensors' shapes."""
    seeds = _seeds(tensors, seed, 0)
    return {
        name: tf.random.stateless_normal(tf.shape(tensor), seeds[name], dtype=tensor.dtype)
        for name, tensor in tensors.items()
    }


def _seeds(names: Mapping[str, tf.Tensor], seed: Seed, start: int | tf.Tensor) -> dict[str, tf.Tensor]:
    pair = tf.cast(tf.convert_to_tensor(seed), tf.int32)
    if pair.shape.rank == 0:
        pair = tf.stack([pair, 0])
    pair = tf.random.experimental.stateless_fold_in(pair, start)
    return {name: tf.random.experimental.stateless_fold_in(pair, number) for number, name in enumerate(names)}
