"""DeepTau of folded layers: the blocks of :class:`TauAdv.models.deeptau.network.NetworkBuilder`, acting on filled cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.deeptau.network import NetworkBuilder
from TauAdv.models.folded.first_convolution import convolve_filled_cells, pays_off
from TauAdv.models.folded.layers import apply_convolution, apply_dense
from TauAdv.models.folded.weights import FoldedWeights

__all__ = ["FoldedNetwork"]

#: Layers within a block are widened by zeros to a multiple of this: rows then start at the processor's vector boundaries.
ALIGNED = 16
#: Cells are computed in a multiple of this number of rows: oneDNN compiles its matrix products anew for every new shape.
ROWS = 64


@dataclass(frozen=True)
class FoldedNetwork(NetworkBuilder):
    """Applies the network to tensors; architecture and names are those of the builder, weights the folded ones.

    Attributes:
        weights: folded layers.
    """

    weights: FoldedWeights

    def logits(self, name: str, width: int) -> Callable[[Any], Any]:
        """Return the last fully connected layer of a head."""
        return partial(apply_dense, layer=self.weights.linear(name))

    def dense_block(self, block: str, x: Any, widths: tuple[int, ...]) -> Any:
        """Return ``x`` [n, features] after a stack of fully connected layers."""
        for layer in self.weights.block(block, "dense", len(widths)):
            x = apply_dense(x, layer)
        return x

    def cell_block(self, block: str, cells: Any, widths: tuple[int, ...]) -> Any:
        """Return cells [m, features] after a stack of 1x1 convolutions."""
        for number, layer in enumerate(self.weights.block(block, "conv", len(widths)), start=1):
            width = widths[number - 1] if number == len(widths) else -(-widths[number - 1] // ALIGNED) * ALIGNED
            cells = apply_dense(cells, layer.pointwise().widened(cells.shape[-1], width))
        return cells

    def merged_cells(self, grid: str, cells: Any) -> Any:
        """Return the merged features [m, ...] of cells [m, features]."""
        parts = [
            self.cell_block(f"{grid}_{name}", cells[:, start:stop], self.network.component_widths(name))
            for name, (start, stop) in self.network.component_columns().items()
        ]
        return self.cell_block(f"{grid}_all", tf.concat(parts, axis=1), self.network.merge_widths())

    def empty_cell(self, grid: str) -> NDArray:
        """Return the merged features of an empty cell."""
        with tf.init_scope():
            return self.merged_cells(grid, np.zeros((1, self.network.n_cell_features), self.weights.dtype))[0].numpy()

    def grid(self, grid: str, index: Any, cells: Any, tau: Any) -> Any:
        """Return the features [n, ...] of one grid."""
        n_cells, n_taus, empty = self.network.grids[grid].n_cells, tf.shape(tau)[0], self.empty_cell(grid)
        merged = self.merged_cells(grid, whole_rows(cells))
        settings = self.network.grids[grid].convolutions(len(empty))
        first, *others = zip(self.weights.block(f"{grid}_all_3x3", "conv", len(settings)), settings, strict=True)
        if pays_off(settings[0], n_cells):
            x = convolve_filled_cells(merged, index, n_taus, empty, n_cells, first[0])
        else:
            x = filled_grids(merged[: tf.shape(index)[0]], index, n_taus, empty, n_cells)
            x = apply_convolution(x, first[0], first[1].stride)
        for layer, convolution in others:
            x = apply_convolution(x, layer, convolution.stride)
        return tf.reshape(x, (n_taus, x.shape[-1]))


def whole_rows(cells: tf.Tensor) -> tf.Tensor:
    """Return cells [m, features] with zeros appended up to a multiple of :data:`ROWS`."""
    missing = -tf.shape(cells)[0] % ROWS
    return tf.concat([cells, tf.zeros(tf.stack([missing, cells.shape[1]]), cells.dtype)], axis=0)


def filled_grids(cells: tf.Tensor, index: tf.Tensor, n_taus: tf.Tensor, empty: NDArray, n_cells: int) -> tf.Tensor:
    """Return grids [n, eta, phi, features] of the filled cells [m, features] at ``index`` and of empty ones elsewhere."""
    shape = tf.stack([n_taus, n_cells, n_cells, len(empty)])
    return tf.tensor_scatter_nd_update(tf.broadcast_to(empty, shape), index, cells)
