"""From the filled cells of a batch to the rows on which the per-cell layers run, and the weights of these rows.

Rows have the shape [1, rows, 1, features], so that 1x1 convolutions, batch normalisation and PReLU of the original network
act on them as they act on a grid. There are two ways to make them:

* ``dense``: every cell of every tau is a row (tau-major, then eta, then phi); empty cells are zeros. The reference.
* ``sparse``: the filled cells, in the order given, and then a number of zero rows that stand for all the empty cells. In
  training each of these K rows weighs (number of empty cells)/K in batch statistics; otherwise there is one.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.deeptau.settings import GridMode

__all__ = ["GridLayer", "GridRowWeights", "GridRows", "flat_cell_index", "n_dense_cells"]


def flat_cell_index(index: tf.Tensor, n_cells: int) -> tf.Tensor:
    """Return the position [m] of cells (tau, eta, phi) [m, 3] among all cells of the batch."""
    return (index[:, 0] * n_cells + index[:, 1]) * n_cells + index[:, 2]


def n_dense_cells(tau: tf.Tensor, n_cells: int) -> tf.Tensor:
    """Return the number of cells of the whole batch, empty ones included, for the flat features ``tau`` [n, features]."""
    return tf.shape(tau)[0] * n_cells * n_cells


class GridLayer(keras.layers.Layer):
    """Base of the layers that differ between the grid modes; without weights.

    Args:
        n_cells: cells of the grid along eta and along phi.
        mode: ``dense`` or ``sparse``.
        n_empty_rows: rows that stand for the empty cells in training (sparse mode).
    """

    def __init__(self, n_cells: int, mode: GridMode, n_empty_rows: int = 512, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_cells, self.mode, self.n_empty_rows = n_cells, mode, n_empty_rows

    def empty_row_count(self, training: bool | None) -> int:
        """Return how many rows stand for the empty cells."""
        return self.n_empty_rows if training else 1

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        own = {"n_cells": self.n_cells, "mode": self.mode, "n_empty_rows": self.n_empty_rows}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="TauAdv")
class GridRows(GridLayer):
    """Deliver one component of the cell features as rows [1, rows, 1, features].

    Called on ``[index, cells, tau]``: cells (tau, eta, phi) [m, 3], their features [m, all components], and the flat
    features [n, ...] for the number of taus.

    Args:
        columns: first and one-past-last column of the component in the cell features.
    """

    def __init__(self, columns: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = (int(columns[0]), int(columns[1]))

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Return the rows."""
        index, cells, tau = inputs
        values = cells[:, self.columns[0] : self.columns[1]]
        n_features = self.columns[1] - self.columns[0]
        if self.mode == "dense":
            position = flat_cell_index(index, self.n_cells)[:, None]
            rows = tf.scatter_nd(position, values, tf.stack([n_dense_cells(tau, self.n_cells), n_features]))
        else:
            rows = tf.concat([values, tf.zeros((self.empty_row_count(training), n_features), values.dtype)], axis=0)
        return rows[None, :, None, :]

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the rows."""
        return (1, None, 1, self.columns[1] - self.columns[0])

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "columns": list(self.columns)}


@keras.saving.register_keras_serializable(package="TauAdv")
class GridRowWeights(GridLayer):
    """Weights [1, rows, 1, 1] of the rows in batch statistics: as many cells as the row stands for.

    Called on ``[index, tau]``.
    """

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Return the weights."""
        index, tau = inputs
        total = n_dense_cells(tau, self.n_cells)
        dtype = self.variable_dtype  # counts of cells: never in half precision
        if self.mode == "dense":
            weights = tf.ones(total[None], dtype)
        else:
            filled = tf.shape(index)[0]
            empty_rows = self.empty_row_count(training)
            weight = tf.cast(total - filled, dtype) / empty_rows
            weights = tf.concat([tf.ones(filled[None], dtype), tf.fill([empty_rows], weight)], axis=0)
        return weights[None, :, None, None]

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the weights."""
        return (1, None, 1, 1)
