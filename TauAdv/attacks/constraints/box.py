"""How far every element may move: all limits of an attack are a box of displacements around the clean inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.input_columns import InputColumns

__all__ = ["Box", "capped", "exists", "limited"]


@dataclass(frozen=True)
class Box:
    """Displacements ``down`` <= 0 <= ``up`` [rows, f], or [f] for all rows, and which elements are ``free`` at all.

    ``down`` is ``None`` for a symmetric box, from -up to up. What stands for elements that are not free has no
    meaning: :meth:`place` does not look at it.
    """

    free: tf.Tensor
    up: tf.Tensor
    down: tf.Tensor | None = None

    def corner(self, direction: tf.Tensor) -> tf.Tensor:
        """Return the largest displacement along the signs of ``direction``."""
        if self.down is None:
            return self.up * tf.sign(direction)
        return tf.where(direction > 0, self.up, tf.where(direction < 0, self.down, tf.zeros_like(direction)))

    def clip(self, displacement: tf.Tensor) -> tf.Tensor:
        """Return the nearest displacement within the box."""
        down = -self.up if self.down is None else self.down
        return tf.minimum(tf.maximum(displacement, down), self.up)

    def inside(self, position: tf.Tensor) -> tf.Tensor:
        """Return the displacement at a position from -1 (``down``) over 0 (none) to 1 (``up``)."""
        down = -self.up if self.down is None else self.down
        return tf.where(position > 0, position * self.up, -position * down)

    def place(self, clean: tf.Tensor, displacement: tf.Tensor, columns: InputColumns) -> tf.Tensor:
        """Return ``clean`` + ``displacement`` within the range; elements that are not free keep every bit."""
        moved = clean + displacement
        if np.isfinite(columns.low).any():  # what was outside is not pulled in
            moved = tf.maximum(moved, tf.minimum(clean, columns.low))
        if np.isfinite(columns.high).any():
            moved = tf.minimum(moved, tf.maximum(clean, columns.high))
        return tf.where(self.free, moved, clean)


def exists(columns: InputColumns, clean: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return which elements [rows, f] hold a value: no default, no padding, nothing of an absent object."""
    present = tf.ones_like(clean, tf.bool) if mask is None else tf.logical_not(mask)
    if np.isfinite(columns.absent).any():
        present &= clean != columns.absent  # NaN, where there is no such value, differs from everything
    if (columns.flag >= 0).any():
        flags = tf.gather(clean, np.maximum(columns.flag, 0), axis=1)
        present &= (flags != 0) | (columns.flag < 0)
    return present


def capped(columns: InputColumns, clean: tf.Tensor, amplitude: tf.Tensor, relative_cap: float) -> tf.Tensor:
    """Return the amplitude within the relative cap.

    Args:
        columns: facts.
        clean: inputs [rows, f].
        amplitude: largest change in scaled units [f] or [rows, f].
        relative_cap: largest |change| / |value| in physical units; 0: no cap.
    """
    if not relative_cap:
        return amplitude
    mean, std = (tf.constant(values, clean.dtype) for values in (columns.mean, columns.std))
    return tf.minimum(amplitude, relative_cap * tf.abs(clean * std + mean) / std)


def limited(columns: InputColumns, clean: tf.Tensor, amplitude: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Return ``up`` and ``down`` of the box: the amplitude, within the range."""
    if not has_range(columns):
        return amplitude, None
    up = tf.minimum(amplitude, tf.maximum(columns.high - clean, 0))
    return up, tf.maximum(-amplitude, tf.minimum(columns.low - clean, 0))


def has_range(columns: InputColumns) -> bool:
    """Return whether any column has limits."""
    return bool(np.isfinite(columns.low).any() or np.isfinite(columns.high).any())
