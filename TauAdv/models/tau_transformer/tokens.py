"""From the filled cells of a batch to the tokens of each tau: its own first, then its cells, then padding.

Cells of a batch come as one list. What is done to a cell alone is done to the filled cells of this list. Attention needs the
cells of one tau together: taus are sorted by their number of cells and cut into groups, each padded to its own fullest tau,
and a mask says where tokens are. So little is padded, though some taus have several times as many cells as most.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["CellPosition", "FirstToken", "FromGroups", "TokenGroup", "TokenGroupMask"]


@keras.saving.register_keras_serializable(package="TauAdv")
class CellPosition(keras.layers.Layer):
    """Deliver where a cell is as numbers [m, 2 cells], of cells (tau, eta, phi) [m, 3]: 1 for its eta and its phi, else 0.

    Args:
        n_cells: cells of the grid along eta and along phi.
    """

    def __init__(self, n_cells: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_cells = n_cells

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the numbers."""
        return tf.reshape(tf.one_hot(inputs[:, 1:], self.n_cells, dtype=self.compute_dtype), (-1, 2 * self.n_cells))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the numbers."""
        return (input_shape[0], 2 * self.n_cells)

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "n_cells": self.n_cells}


def _cells_per_tau(indices: list[tf.Tensor], n_taus: tf.Tensor) -> tf.Tensor:
    """Return the number of filled cells [n] of every tau, for the cells (tau, eta, phi) [m, 3] of each grid."""
    taus = _taus(indices)
    return tf.math.unsorted_segment_sum(tf.ones_like(taus), taus, n_taus)


def _taus(indices: list[tf.Tensor]) -> tf.Tensor:
    """Return the tau [m] of every cell of all grids."""
    return tf.concat([index[:, 0] for index in indices], axis=0)


class _OfGroups(keras.layers.Layer):
    """Base of the layers that know the groups of taus, of rising numbers of cells.

    Every group has one tau without cells more than there are: TensorFlow's products refuse an empty group.

    Args:
        n_groups: groups of a batch.
        number: of the group, from 0.
    """

    def __init__(self, n_groups: int, number: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_groups, self.number = n_groups, number

    def bounds(self, n_taus: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the first and one-past-last tau of the group among the sorted ones."""
        return self.number * n_taus // self.n_groups, (self.number + 1) * n_taus // self.n_groups

    def counts(self, counts: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
        """Return the numbers of cells of the taus of the group, of counts [n] and their order [n]."""
        start, stop = self.bounds(tf.shape(counts)[0])
        return tf.pad(tf.gather(counts, order[start:stop]), [[0, 1]])

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "n_groups": self.n_groups, "number": self.number}


def _order(counts: tf.Tensor) -> tf.Tensor:
    return tf.argsort(counts, stable=True)


@keras.saving.register_keras_serializable(package="TauAdv")
class TokenGroup(_OfGroups):
    """Bring the tokens of a group together: of each tau its own, those of its cells, then zeros [n_group, 1 + cells, width].

    Called on ``[own, cells, *indices]``: tokens of the taus [n, width], of all cells of all grids [m, width], and the cells
    (tau, eta, phi) of each grid [m_grid, 3]. Cells may come in any order.
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Return the tokens."""
        own, cells, *indices = inputs
        n_taus = tf.shape(own)[0]
        counts = _cells_per_tau(indices, n_taus)
        order, (start, stop) = _order(counts), self.bounds(n_taus)
        counts = self.counts(counts, order)
        taus = tf.gather(tf.argsort(order), _taus(indices))  # where the tau of each cell is in the order
        cell_order = tf.argsort(taus, stable=True)
        taus = tf.gather(taus, cell_order)
        first, last = tf.unstack(tf.searchsorted(taus, tf.stack([start, stop])))
        row = taus[first:last] - start
        place = tf.range(last - first) - tf.gather(tf.cumsum(counts, exclusive=True), row)
        shape = tf.stack([stop - start + 1, tf.reduce_max(counts), tf.shape(own)[1]])
        padded = tf.scatter_nd(tf.stack([row, place], axis=1), tf.gather(cells, cell_order[first:last]), shape)
        own = tf.pad(tf.gather(own, order[start:stop]), [[0, 1], [0, 0]])
        return tf.concat([own[:, None, :], padded], axis=1)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the tokens."""
        return (None, None, input_shape[0][1])


@keras.saving.register_keras_serializable(package="TauAdv")
class TokenGroupMask(_OfGroups):
    """Say which tokens of a group there are: bool [n_group, 1, 1 + cells]. Called on ``[own, *indices]``."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Return the mask."""
        own, *indices = inputs
        counts = _cells_per_tau(indices, tf.shape(own)[0])
        return tf.sequence_mask(1 + self.counts(counts, _order(counts)))[:, None, :]

    def compute_output_spec(self, inputs: list[Any]) -> keras.KerasTensor:
        """Return shape and type of the mask."""
        return keras.KerasTensor((None, 1, None), "bool")


@keras.saving.register_keras_serializable(package="TauAdv")
class FromGroups(_OfGroups):
    """Deliver the tokens of the taus [n, width] in the order of the batch.

    Called on ``[own, *indices, *groups]``: tokens of the taus before, of which the number counts; cells of each grid; tokens
    of the taus of each group [n_group, 1, width].
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Return the tokens."""
        own, *indices = inputs[: -self.n_groups]
        joint = tf.concat([group[:-1, 0] for group in inputs[-self.n_groups :]], axis=0)
        return tf.gather(joint, tf.argsort(_order(_cells_per_tau(indices, tf.shape(own)[0]))))

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the tokens."""
        return (input_shape[0][0], input_shape[-1][2])


@keras.saving.register_keras_serializable(package="TauAdv")
class FirstToken(keras.layers.Layer):
    """Deliver the token of each tau [n, 1, width] among its tokens [n, 1 + cells, width]."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the token."""
        return inputs[:, :1]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the token."""
        return (input_shape[0], 1, input_shape[2])
