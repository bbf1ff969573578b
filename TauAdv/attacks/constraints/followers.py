"""Inputs that are made of other inputs follow them: significances of impact parameters, copies of a tau's features in cells.

Everything here is differentiable, so that the gradient of a value includes what its followers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.box import exists
from TauAdv.attacks.constraints.covariance import REMAINING
from TauAdv.attacks.constraints.input_columns import Follower, InputColumns

__all__ = ["Copies", "copy_moves", "recompute"]

Batch = Mapping[str, tf.Tensor]
#: A clean value below this share of its spread does not tell the error from which its significance was made.
_SMALLEST_SHARE = 1e-4
#: A significance is that of a track if they agree to this share (inputs are in single precision).
_SAME = 2e-3


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


def recompute(columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return ``moved`` with every follower changed as its value and variance have changed; absent ones keep their bits.

    The change is that of |value| / sqrt(variance), with no less than 1 % of the clean variance; or, without the variance,
    that of |value| times the clean ratio. A significance that carries the sign of its value keeps doing so.
    """
    if not columns.followers:
        return moved
    present = exists(columns, clean, mask)
    changes = tf.stack([_change(columns, follower, clean, moved, present) for follower in columns.followers], axis=1)
    positions = [follower.column for follower in columns.followers]
    return _add(clean, moved, changes, positions, columns, present)


def copy_moves(copies: Copies, tensors: Mapping[str, InputColumns], clean: Batch, moved: Batch) -> tf.Tensor:
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


def _change(columns: InputColumns, follower: Follower, clean: tf.Tensor, moved: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Return the change [rows] of a follower in scaled units."""
    values, variances = list(follower.values), list(follower.variances)
    before, after = (tf.abs(_physical(columns, values, tensor)) for tensor in (clean, moved))
    significance = _physical(columns, [follower.column], clean)
    if not variances:
        known = before > (_SMALLEST_SHARE * columns.std[values]).astype(np.float32)
        change = (after - before) * tf.math.divide_no_nan(significance, before)
    else:
        clean_variance, moved_variance = (_physical(columns, variances, tensor) for tensor in (clean, moved))
        known = tf.gather(present, values, axis=1) & tf.gather(present, variances, axis=1) & (clean_variance > 0)
        clean_variance = tf.where(known, clean_variance, tf.ones_like(clean_variance))
        ratio = before / tf.sqrt(clean_variance)
        if follower.of_any:
            known &= _belongs(ratio, tf.abs(significance), known)
        # a variance that an attack takes to 0 or below would make the significance infinite
        moved_variance = tf.maximum(moved_variance, REMAINING * clean_variance)
        change = tf.where(significance < 0, -1.0, 1.0) * (after / tf.sqrt(moved_variance) - ratio)
    change = tf.reduce_sum(tf.where(known, change, tf.zeros_like(change)), axis=1)
    return change / tf.constant(columns.std[follower.column], clean.dtype)


def _belongs(ratios: tf.Tensor, significance: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """Return which of the ratios [rows, k] a significance [rows, 1] is: the nearest, if it is near enough."""
    distance = tf.where(known, tf.abs(ratios - significance), tf.fill(tf.shape(ratios), tf.constant(np.inf, ratios.dtype)))
    nearest = tf.one_hot(tf.argmin(distance, axis=1), ratios.shape[1], on_value=True, off_value=False, dtype=tf.bool)
    return nearest & (distance <= _SAME * significance)


def _physical(columns: InputColumns, positions: list[int], tensor: tf.Tensor) -> tf.Tensor:
    """Return columns [rows, k] in physical units."""
    mean, std = (tf.constant(values[positions], tensor.dtype) for values in (columns.mean, columns.std))
    return tf.gather(tensor, positions, axis=1) * std + mean


def _add(
    clean: tf.Tensor, moved: tf.Tensor, changes: tf.Tensor, positions: list[int], columns: InputColumns, present: tf.Tensor
) -> tf.Tensor:
    """Return ``moved`` with changes [rows, positions] added to the clean values of these columns, within their range."""
    place = np.zeros((len(positions), len(columns)), np.float32)
    place[np.arange(len(positions)), positions] = 1
    changed = clean + tf.matmul(changes, place)
    changed = tf.clip_by_value(changed, tf.minimum(clean, columns.low), tf.maximum(clean, columns.high))
    return tf.where(present & place.any(axis=0), changed, moved)
