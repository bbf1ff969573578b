"""A classifier as an ONNX model with the seven dense tensors of DeepTau as inputs.

Inside it does what predictions do: only cells with a non-zero feature go through the per-cell layers, all empty cells share
the output of one, and batch normalisation is folded into the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from TauAdv.features.table import FeatureTable
from TauAdv.models.deeptau.settings import ConvolutionLayer, NetworkSettings
from TauAdv.models.export.onnx_inputs import TAUS, OnnxTaus
from TauAdv.models.export.onnx_writer import OnnxWriter
from TauAdv.models.layer_weights import LayerWeights, folded_layer

__all__ = ["OUTPUT", "onnx_model"]

OUTPUT = "main_output"


def onnx_model(
    weights: LayerWeights,
    network: NetworkSettings,
    metadata: Mapping[str, str],
    dtype: type[np.floating] = np.float32,
    table: FeatureTable | None = None,
) -> onnx.ModelProto:
    """Return the model: ``input_tau`` [n, features], ``input_{grid}_{component}`` [n, eta, phi, features] -> scores.

    Args:
        weights: layer -> name of the weight -> value.
        network: settings of the network.
        metadata: texts to keep in the file.
        dtype: precision of its numbers; files are in single precision.
        table: feature table, to scale physical values inside; ``None``: inputs are scaled.
    """
    layers = _OnnxLayers(OnnxWriter(dtype), weights, network.normalisation.epsilon)
    taus = OnnxTaus(layers.writer, network, table)
    parts = [layers.rows_block("tau", "dense", taus.tau(), len(network.tau.layer_widths(network.dropout)))]
    parts += [layers.grid(grid, taus.cells(grid), network) for grid in network.grids]
    x = layers.writer.node("Concat", "features_concat", *parts, axis=1)
    x = layers.rows_block("final", "dense", x, len(network.class_head.widths))
    last = weights["final_dense_last"]
    x = layers.linear("final_dense_last", last["kernel"], last["bias"], x)
    output = layers.writer.node("Softmax", OUTPUT, x, axis=1)
    return layers.writer.finish(network.name, output, (TAUS, network.n_classes), metadata)


class _OnnxLayers:
    """Adds the layers of a network to a graph."""

    def __init__(self, writer: OnnxWriter, weights: LayerWeights, epsilon: float) -> None:
        self.writer, self.weights, self.epsilon = writer, weights, epsilon

    def grid(self, grid: str, cells: str, network: NetworkSettings) -> str:
        """Add the layers of a grid on its cells [n, eta, phi, features]; return its features [n, ...]."""
        writer = self.writer
        size = writer.node("ReduceMax", f"{grid}_size", writer.node("Abs", f"{grid}_abs", cells), axes=[3], keepdims=0)
        index = writer.node("Transpose", f"{grid}_index", writer.node("NonZero", f"{grid}_filled", size), perm=[1, 0])
        filled = writer.node("GatherND", f"{grid}_filled_cells", cells, index)
        rows = writer.node("Pad", f"{grid}_rows", filled, writer.integers(0, 0, 1, 0))  # the last row is an empty cell
        rows = self.cell_layers(grid, rows, network)
        merged = self.scatter(grid, rows, index, size, network.merge_widths()[-1])
        x = writer.node("Transpose", f"{grid}_channels_first", merged, perm=[0, 3, 1, 2])
        for number, layer in enumerate(network.grids[grid].convolutions(network.merge_widths()[-1]), start=1):
            x = self.convolution(f"{grid}_all_3x3", number, layer, x)
        return writer.node("Flatten", f"{grid}_cells_flatten", x, axis=1)

    def cell_layers(self, grid: str, rows: str, network: NetworkSettings) -> str:
        """Add the layers on single cells [m, features]."""
        sizes = [component.n_features for component in network.components.values()]
        pieces = self.writer.split(f"{grid}_components", rows, sizes, axis=1)
        parts = [
            self.rows_block(f"{grid}_{name}", "conv", piece, len(network.component_widths(name)))
            for name, piece in zip(network.components, pieces, strict=True)
        ]
        x = self.writer.node("Concat", f"{grid}_cell_concat", *parts, axis=1)
        return self.rows_block(f"{grid}_all", "conv", x, len(network.merge_widths()))

    def scatter(self, grid: str, rows: str, index: str, size: str, width: int) -> str:
        """Add the way back from rows, the last one an empty cell, to the grid [n, eta, phi, features]."""
        writer = self.writer
        begin, minus_one, end = writer.integers(0), writer.integers(-1), writer.integers(2**62)
        filled = writer.node("Slice", f"{grid}_filled_rows", rows, begin, minus_one, begin)
        empty = writer.node("Slice", f"{grid}_empty_row", rows, minus_one, end, begin)
        shape = writer.node(
            "Concat", f"{grid}_shape", writer.node("Shape", f"{grid}_n", size), writer.integers(width), axis=0
        )
        return writer.node(
            "ScatterND", f"{grid}_merged", writer.node("Expand", f"{grid}_empty", empty, shape), index, filled
        )

    def rows_block(self, block: str, kind: str, x: str, n_layers: int) -> str:
        """Add fully connected layers, or layers on single cells, on rows [m, features]."""
        for number in range(1, n_layers + 1):
            kernel, bias = self.folded(block, kind, number)
            x = self.linear(f"{block}_{kind}_{number}", kernel, bias, x)
            x = self.activation(f"{block}_activation_{number}", x, (-1,))
        return x

    def folded(self, block: str, kind: str, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return kernel and bias of a layer with its batch normalisation in them."""
        kernel, bias = folded_layer(self.weights, block, kind, number, self.epsilon)
        return kernel.astype(self.writer.dtype), bias.astype(self.writer.dtype)

    def linear(self, name: str, kernel: NDArray[Any], bias: NDArray[Any], x: str) -> str:
        """Add a product of rows with a kernel [..., inputs, outputs]."""
        kernel_name = self.writer.constant(f"{name}/kernel", kernel.reshape(kernel.shape[-2:]))
        return self.writer.node("Gemm", name, x, kernel_name, self.writer.constant(f"{name}/bias", bias))

    def convolution(self, block: str, number: int, layer: ConvolutionLayer, x: str) -> str:
        """Add a convolution with its activation, on grids [n, features, eta, phi]."""
        name = f"{block}_conv_{number}"
        kernel, bias = self.folded(block, "conv", number)
        kernel_name = self.writer.constant(f"{name}/kernel", kernel.transpose(3, 2, 0, 1))
        bias_name = self.writer.constant(f"{name}/bias", bias)
        shape = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        x = self.writer.node("Conv", name, x, kernel_name, bias_name, **shape)
        return self.activation(f"{block}_activation_{number}", x, (-1, 1, 1))

    def activation(self, layer: str, x: str, shape: tuple[int, ...]) -> str:
        """Add a PReLU; ``shape`` is that of a slope per feature."""
        slope = self.writer.constant(f"{layer}/alpha", self.weights[layer]["alpha"].reshape(shape))
        return self.writer.node("PRelu", layer, x, slope)
