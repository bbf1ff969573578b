"""Columns that move together: one step for all members of a group, as large as the tightest of them allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.attacks.constraints.box import Box
from TauAdv.attacks.constraints.input_columns import InputColumns

__all__ = ["SharedSteps"]


@dataclass(frozen=True, eq=False)
class SharedSteps:
    """The groups of a tensor as arrays: member i of a group moves by amplitude_i * sign_i * s, with one s in [-1, 1].

    Attributes:
        signs: [f, groups], 0 for columns that are not members.
        leader: position of the first member of a column's group; the column itself outside groups [f].
    """

    signs: NDArray[np.float32]
    leader: NDArray[np.int32]

    @classmethod
    def of(cls, columns: InputColumns) -> SharedSteps | None:
        """Return the groups of a tensor; ``None`` without any."""
        if not columns.groups:
            return None
        signs = np.zeros((len(columns), len(columns.groups)), np.float32)
        leader = np.arange(len(columns), dtype=np.int32)
        for number, group in enumerate(columns.groups):
            signs[list(group.columns), number] = group.signs
            leader[list(group.columns)] = group.columns[0]
        return cls(signs, leader)

    @property
    def members(self) -> NDArray[np.bool_]:
        """Columns that belong to a group [f]."""
        return np.asarray(self.signs.any(axis=1))

    @property
    def sign(self) -> NDArray[np.float32]:
        """Sign of every column in its group; 1 outside groups [f]."""
        return np.where(self.members, self.signs.sum(axis=1), 1).astype(np.float32)

    def direction(self, gradient: tf.Tensor, amplitude: tf.Tensor) -> tf.Tensor:
        """Return the gradient where that of the common step replaces its members': sum of amplitude * sign * g."""
        signs = tf.constant(self.signs, gradient.dtype)
        common = tf.matmul(tf.matmul(gradient * amplitude, signs), signs, transpose_b=True)
        return tf.where(self.members, common, gradient)

    def present(self, present: tf.Tensor) -> tf.Tensor:
        """Return which elements may move: a group only where all its members do."""
        missing = tf.matmul(tf.cast(tf.logical_not(present), tf.float32), np.abs(self.signs))
        whole = tf.matmul(tf.cast(missing > 0, tf.float32), np.abs(self.signs), transpose_b=True) == 0
        return tf.where(self.members, whole, present)

    def narrowed(self, box: Box, amplitude: tf.Tensor) -> Box:
        """Return the box in which all members of a group may go the same fraction of their amplitudes."""
        if box.down is None and box.up is amplitude:
            return box
        down = -box.up if box.down is None else box.down
        up = tf.where(amplitude > 0, tf.math.divide_no_nan(box.up, amplitude), 1)
        low = tf.where(amplitude > 0, tf.math.divide_no_nan(-down, amplitude), 1)
        turned = self.sign < 0
        forward, backward = tf.where(turned, low, up), tf.where(turned, up, low)
        forward, backward = self._smallest(forward), self._smallest(backward)
        new_up, new_down = tf.where(turned, backward, forward), tf.where(turned, forward, backward)
        members = self.members
        return Box(
            box.free,
            tf.where(members, new_up * amplitude, box.up),
            tf.where(members, -new_down * amplitude, down),
        )

    def common(self, values: tf.Tensor) -> tf.Tensor:
        """Return random numbers [rows, f], symmetric around 0, with the leader's (times the sign) for every member."""
        return tf.gather(values, self.leader, axis=1) * self.sign

    def _smallest(self, fractions: tf.Tensor) -> tf.Tensor:
        by_column = tf.transpose(fractions)
        smallest = tf.math.unsorted_segment_min(by_column, self.leader, len(self.leader))
        return tf.transpose(tf.gather(smallest, self.leader))
