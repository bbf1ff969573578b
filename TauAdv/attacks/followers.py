"""Inputs that are made of other inputs follow them: significances of impact parameters, copies of a tau's features in cells.

Everything here is differentiable, so that the gradient of a value includes what its followers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from TauAdv.attacks.box import exists
from TauAdv.attacks.columns import Columns, Follower

__all__ = ["Copies", "copy_moves", "recompute"]

Batch = Mapping[str, tf.Tensor]
#: A clean value below this share of its spread does not tell the error from which its significance was made.
_SMALLEST_SHARE = 1e-4


@dataclass(frozen=True)
class Copies:
    """Columns of one tensor that repeat columns of another, such as the tau's eta in each of its cells.

    Attributes:
        target, source: names of the tensors.
        columns: position in the target -> position in the source.
    """

    target: str
    source: str
    columns: Mapping[int, int]


def recompute(columns: Columns, clean: tf.Tensor, moved: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return ``moved`` with every follower changed as its value and variance have changed; absent ones keep their bits.

    The change is that of |value| / sqrt(variance), or, without the variance, that of |value| times the clean ratio; a
    significance that carries the sign of its value keeps doing so.
    """
    if not columns.followers:
        return moved
    changes = tf.stack([_change(columns, follower, clean, moved) for follower in columns.followers], axis=1)
    positions = [follower.column for follower in columns.followers]
    return _add(clean, moved, changes, positions, columns, exists(columns, clean, mask))


def copy_moves(copies: Copies, tensors: Mapping[str, Columns], clean: Batch, moved: Batch) -> tf.Tensor:
    """Return the target tensor of ``moved`` with every copied column changed as its source has changed."""
    source, target = tensors[copies.source], tensors[copies.target]
    here, there = list(copies.columns), list(copies.columns.values())
    changes = tf.gather(moved[copies.source] - clean[copies.source], there, axis=1)
    changes *= (source.std[there] / target.std[here]).astype(np.float32)
    if target.rows is not None:
        changes = tf.gather(changes, clean[target.rows][:, 0])
    mask = None if target.mask is None else clean[target.mask]
    present = exists(target, clean[copies.target], mask)
    return _add(clean[copies.target], moved[copies.target], changes, here, target, present)


def _change(columns: Columns, follower: Follower, clean: tf.Tensor, moved: tf.Tensor) -> tf.Tensor:
    """Return the change [rows] of a follower in scaled units."""
    before, after = (_physical(columns, follower.value, tensor) for tensor in (clean, moved))
    significance = _physical(columns, follower.column, clean)
    known = tf.abs(before) > _SMALLEST_SHARE * columns.std[follower.value]
    if follower.variance is None:
        change = (tf.abs(after) - tf.abs(before)) * tf.math.divide_no_nan(significance, tf.abs(before))
    else:
        variances = [_physical(columns, follower.variance, tensor) for tensor in (clean, moved)]
        positive = (variances[0] > 0) & (variances[1] > 0)
        errors = [tf.sqrt(tf.where(positive, variance, tf.ones_like(variance))) for variance in variances]
        sign = tf.where(significance < 0, -1.0, 1.0)
        change = sign * (tf.abs(after) / errors[1] - tf.abs(before) / errors[0])
        known &= positive
    return tf.where(known, change, tf.zeros_like(change)) / tf.constant(columns.std[follower.column], clean.dtype)


def _physical(columns: Columns, position: int, tensor: tf.Tensor) -> tf.Tensor:
    mean, std = (tf.constant(values[position], tensor.dtype) for values in (columns.mean, columns.std))
    return tensor[:, position] * std + mean


def _add(
    clean: tf.Tensor, moved: tf.Tensor, changes: tf.Tensor, positions: list[int], columns: Columns, present: tf.Tensor
) -> tf.Tensor:
    """Return ``moved`` with changes [rows, positions] added to the clean values of these columns, within their range."""
    place = np.zeros((len(positions), len(columns)), np.float32)
    place[np.arange(len(positions)), positions] = 1
    changed = clean + tf.matmul(changes, place)
    changed = tf.clip_by_value(changed, tf.minimum(clean, columns.low), tf.maximum(clean, columns.high))
    return tf.where(present & place.any(axis=0), changed, moved)
