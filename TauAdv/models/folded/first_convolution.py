"""The first convolution over a grid from its filled cells alone.

A convolution is linear: with every empty cell equal to ``empty``, its output is that of an empty grid, the same in all
positions, plus what each filled cell adds through (cell - empty). A cell reaches kernel x kernel outputs, less at the edge,
where valid padding lets windows end.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.deeptau.settings import ConvolutionLayer
from TauAdv.models.folded.layers import prelu
from TauAdv.models.folded.weights import FoldedLayer

__all__ = ["convolve_filled_cells", "pays_off"]

_OUTSIDE = -(2**30)


def pays_off(layer: ConvolutionLayer, n_cells: int) -> bool:
    """Return whether to convolve by filled cells rather than the filled grid.

    The work is (filled cells) x kernel² products against (output cells) x kernel²: fewer as long as more outputs than filled
    cells exist. With a stride most products would reach no output, and a kernel that spans most of the grid has few outputs:
    there the grid is filled and convolved. Below a quarter of the cells as outputs even sparse taus would lose.
    """
    n_outputs = n_cells - layer.kernel + 1
    return layer.stride == 1 and 4 * n_outputs**2 >= n_cells**2


def convolve_filled_cells(
    cells: tf.Tensor, index: tf.Tensor, n_taus: tf.Tensor, empty: NDArray, n_cells: int, layer: FoldedLayer
) -> tf.Tensor:
    """Return grids [n, eta, phi, outputs] after the first convolution (stride 1, valid padding).

    Args:
        cells: features of the filled cells [m, inputs]; rows beyond m are ignored.
        index: their (tau, eta, phi) [m, 3].
        n_taus: number n of taus.
        empty: features of an empty cell [inputs].
        n_cells: cells of the grid along eta and along phi.
        layer: kernel [k, k, inputs, outputs], bias and slope.
    """
    size, _, n_inputs, n_outputs = layer.kernel.shape
    length = n_cells - size + 1
    by_offset = layer.kernel.transpose(2, 0, 1, 3).reshape(n_inputs, -1)
    products = tf.matmul(cells - empty, by_offset)[: tf.shape(index)[0]]
    eta = index[:, 1, None] - np.arange(size, dtype=np.int32)
    phi = index[:, 2, None] - np.arange(size, dtype=np.int32)
    row = tf.where((eta >= 0) & (eta < length), (index[:, :1] * length + eta) * length, _OUTSIDE)
    column = tf.where((phi >= 0) & (phi < length), phi, _OUTSIDE)
    position = row[:, :, None] + column[:, None, :]  # negative outside: such segments are dropped
    sums = tf.math.unsorted_segment_sum(
        tf.reshape(products, (-1, n_outputs)), tf.reshape(position, (-1,)), n_taus * length**2
    )
    grids = tf.reshape(sums, (-1, length, length, n_outputs))
    return prelu(grids + _output_of_empty_grid(layer, empty), layer)


def _output_of_empty_grid(layer: FoldedLayer, empty: NDArray) -> NDArray:
    double = np.einsum("hwio,i->o", layer.kernel.astype(np.float64), empty.astype(np.float64)) + layer.bias
    return double.astype(layer.bias.dtype)
