"""The transformer as an ONNX model with the dense tensors of DeepTau as inputs.

Inside it does what predictions do: only cells with a non-zero feature become tokens. All taus of a call are padded to the
fullest one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from TauAdv.features.table import FeatureTable
from TauAdv.models.export.onnx_inputs import TAUS, OnnxTaus
from TauAdv.models.export.onnx_writer import OnnxWriter
from TauAdv.models.layer_weights import LayerWeights
from TauAdv.models.tau_transformer.settings import TransformerSettings

__all__ = ["OUTPUT", "onnx_transformer"]

OUTPUT = "main_output"
#: What a softmax reads of tokens that are not there; their weight is exactly zero.
_NOT_THERE = -1e9


def onnx_transformer(
    weights: LayerWeights,
    network: TransformerSettings,
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
    writer = OnnxWriter(dtype)
    graph = _Graph(writer, weights, network, OnnxTaus(writer, network, table))
    flat = graph.taus.tau()
    for number in range(1, len(network.tau.widths) + 1):
        flat = graph.normalised(f"tau_norm_{number}", graph.dense(f"tau_dense_{number}", flat))
        flat = graph.writer.node("Relu", f"tau_activation_{number}", flat)
    tokens, mask = graph.tokens(graph.dense("tau_token", flat))
    for number in range(1, network.layers + 2):
        tokens = graph.block(number, tokens, mask, of_all=number <= network.layers)
    own = graph.normalised("own_norm", graph.reshaped("own_tokens", tokens, -1, network.width))
    x = graph.writer.node("Concat", "features_concat", flat, own, axis=1)
    for number in range(1, len(network.class_head.widths) + 1):
        x = graph.writer.node("Relu", f"final_activation_{number}", graph.dense(f"final_dense_{number}", x))
    output = graph.writer.node("Softmax", OUTPUT, graph.dense("final_dense_last", x), axis=1)
    return graph.writer.finish(network.name, output, (TAUS, network.n_classes), metadata)


class _Graph:
    """Adds the layers of a network to a graph."""

    def __init__(self, writer: OnnxWriter, weights: LayerWeights, network: TransformerSettings, taus: OnnxTaus) -> None:
        self.writer, self.weights, self.network, self.taus = writer, weights, network, taus
        self.zero, self.one = (writer.node("Squeeze", f"scalar_{k}", writer.integers(k)) for k in (0, 1))

    def tokens(self, own: str) -> tuple[str, str]:
        """Add the tokens [n, 1 + cells, width] of taus and cells, and the mask [n, 1, 1, 1 + cells] of those there are."""
        node, integers = self.writer.node, self.writer.integers
        rows, places, before = [], [], ""
        for grid in self.network.grids:
            index, filled, counts = self.cells(grid)
            rows.append(self.cell_tokens(grid, index, filled))
            places.append(self.places(grid, index, counts, before))
            before = node("Add", f"{grid}_counts_so_far", before, counts) if before else counts
        last = node("Concat", "counts_and_none", before, integers(0), axis=0)
        most = node("ReduceMax", "most_cells", last, axes=[0], keepdims=1)
        shape = node(
            "Concat", "padding_shape", node("Shape", "n_own", own, end=1), most, integers(self.network.width), axis=0
        )
        padding = node("Expand", "padding", self.writer.constant("zero", [0.0]), shape)
        base = node("Concat", "own_and_padding", node("Unsqueeze", "own_first", own, integers(1)), padding, axis=1)
        places_of_all = node("Concat", "places", *places, axis=0)
        tokens = node("ScatterND", "tokens", base, places_of_all, node("Concat", "cell_tokens", *rows, axis=0))
        numbers = self.range("token_numbers", node("Add", "n_tokens", most, integers(1)))
        there = node("LessOrEqual", "there", numbers, node("Unsqueeze", "last_token", before, integers(1)))
        return tokens, node("Unsqueeze", "mask", there, integers(1, 2))

    def cells(self, grid: str) -> tuple[str, str, str]:
        """Add what finds the filled cells of a grid: (tau, eta, phi) [m, 3], features [m, features], and counts [n]."""
        node, cells = self.writer.node, self.taus.cells(grid)
        size = node("ReduceMax", f"{grid}_size", node("Abs", f"{grid}_abs", cells), axes=[3], keepdims=0)
        index = node("Transpose", f"{grid}_index", node("NonZero", f"{grid}_filled", size), perm=[1, 0])
        is_filled = node(
            "Cast", f"{grid}_is_filled", node("Cast", f"{grid}_flag", size, to=onnx.TensorProto.BOOL), to=_INT64
        )
        counts = node("ReduceSum", f"{grid}_counts", is_filled, self.writer.integers(1, 2), keepdims=0)
        return index, node("GatherND", f"{grid}_features", cells, index), counts

    def cell_tokens(self, grid: str, index: str, filled: str) -> str:
        """Add the tokens [m, width] of the filled cells; of the kernel, the rows of a cell's position are looked up."""
        name, n_features = f"{grid}_embedding_1", self.network.n_cell_features
        kernel, n_cells = self.weights[name]["kernel"], self.network.grids[grid].n_cells
        of_features = self.writer.constant(f"{name}/kernel", kernel[:n_features])
        x = self.writer.node(
            "Gemm", name, filled, of_features, self.writer.constant(f"{name}/bias", self.weights[name]["bias"])
        )
        for number, axis in enumerate(("eta", "phi")):
            start = n_features + number * n_cells
            rows = self.writer.constant(f"{name}/{axis}", kernel[start : start + n_cells])
            x = self.writer.node("Add", f"{name}_{axis}", x, self.gathered(f"{name}_at_{axis}", rows, index, 1 + number))
        return self.dense(f"{grid}_embedding_2", self.writer.node("Relu", f"{name}_activation", x))

    def places(self, grid: str, index: str, counts: str, before: str) -> str:
        """Add where the token of each cell goes: (tau, number) [m, 2]; behind the cells ``before`` [n] of other grids."""
        node = self.writer.node
        starts = node("CumSum", f"{grid}_starts", counts, self.zero, exclusive=1)
        if before:
            starts = node("Sub", f"{grid}_starts_behind", starts, before)
        tau = self.column(f"{grid}_tau", index, 0)
        number = self.range(f"{grid}_numbers", node("Shape", f"{grid}_n", index, end=1))
        number = node("Sub", f"{grid}_number", number, node("Gather", f"{grid}_start", starts, tau))
        number = node("Add", f"{grid}_place", number, self.writer.integers(1))
        axis = self.writer.integers(1)
        pair = [node("Unsqueeze", f"{name}_column", name, axis) for name in (tau, number)]
        return node("Concat", f"{grid}_places", *pair, axis=1)

    def block(self, number: int, tokens: str, mask: str, *, of_all: bool) -> str:
        """Add an attention with its feed-forward block: of all tokens, or of those of the taus alone."""
        name = f"attention_{number}"
        looked_at = self.normalised(f"{name}_norm", tokens)
        asking = looked_at
        if not of_all:
            asking, tokens = self.first(f"{name}_asking", looked_at), self.first(f"{name}_own", tokens)
        x = self.writer.node("Add", f"{name}_sum", tokens, self.attention(name, asking, looked_at, mask))
        name = f"feed_forward_{number}"
        y = self.dense(f"{name}_1", self.normalised(f"{name}_norm", x))
        y = self.dense(f"{name}_2", self.writer.node("Relu", f"{name}_activation", y))
        return self.writer.node("Add", f"{name}_sum", x, y)

    def attention(self, name: str, asking: str, looked_at: str, mask: str) -> str:
        """Add an attention of tokens [n, asking, width] to others [n, tokens, width]."""
        node, heads = self.writer.node, self.network.heads
        size = self.network.width // heads

        def by_head(part: str, x: str, perm: list[int]) -> str:
            kernel, bias = (self.weights[name][f"{part}/{role}"] for role in ("kernel", "bias"))
            y = self.product(f"{name}_{part}", x, kernel.reshape(self.network.width, -1), bias.ravel())
            y = self.reshaped(f"{name}_{part}_heads", y, 0, 0, heads, size)
            return node("Transpose", f"{name}_{part}_by_head", y, perm=perm)

        scale = self.writer.constant(f"{name}/scale", np.float32(1 / np.sqrt(size)))  # Keras keeps it in single precision
        query = node("Mul", f"{name}_scaled", by_head("query", asking, [0, 2, 1, 3]), scale)
        scores = node("MatMul", f"{name}_scores", query, by_head("key", looked_at, [0, 2, 3, 1]))
        scores = node("Where", f"{name}_masked", mask, scores, self.writer.constant("not_there", _NOT_THERE))
        shares = node("Softmax", f"{name}_shares", scores, axis=3)
        found = node("MatMul", f"{name}_found", shares, by_head("value", looked_at, [0, 2, 1, 3]))
        found = node("Transpose", f"{name}_together", found, perm=[0, 2, 1, 3])
        found = self.reshaped(f"{name}_joint", found, 0, 0, heads * size)
        kernel, bias = (self.weights[name][f"attention_output/{role}"] for role in ("kernel", "bias"))
        return self.product(f"{name}_output", found, kernel.reshape(heads * size, -1), bias)

    def normalised(self, name: str, x: str) -> str:
        """Add a layer normalisation over the last axis."""
        node, constant = self.writer.node, self.writer.constant
        centred = node("Sub", f"{name}_centred", x, node("ReduceMean", f"{name}_mean", x, axes=[-1]))
        variance = node("ReduceMean", f"{name}_variance", node("Mul", f"{name}_squared", centred, centred), axes=[-1])
        spread = node(
            "Sqrt", f"{name}_spread", node("Add", f"{name}_sum", variance, constant("epsilon", self.network.epsilon))
        )
        gamma, beta = (constant(f"{name}/{role}", self.weights[name][role]) for role in ("gamma", "beta"))
        return node("Add", name, node("Mul", f"{name}_scaled", node("Div", f"{name}_unit", centred, spread), gamma), beta)

    def dense(self, name: str, x: str) -> str:
        """Add a fully connected layer on the last axis."""
        return self.product(name, x, self.weights[name]["kernel"], self.weights[name]["bias"])

    def product(self, name: str, x: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        """Add the product of the last axis with a kernel, and a bias."""
        y = self.writer.node("MatMul", f"{name}_product", x, self.writer.constant(f"{name}/kernel", kernel))
        return self.writer.node("Add", name, y, self.writer.constant(f"{name}/bias", bias))

    def reshaped(self, name: str, x: str, *shape: int) -> str:
        """Add another shape; 0: as it is."""
        return self.writer.node("Reshape", name, x, self.writer.integers(*shape))

    def first(self, name: str, tokens: str) -> str:
        """Add the first token of each tau [n, 1, width]."""
        zero, one = self.writer.integers(0), self.writer.integers(1)
        return self.writer.node("Slice", name, tokens, zero, one, one)

    def column(self, name: str, index: str, number: int) -> str:
        """Add one of the columns tau, eta, phi [m] of cells [m, 3]."""
        column = self.writer.node("Gather", f"{name}_alone", index, self.writer.integers(number), axis=1)
        return self.writer.node("Squeeze", name, column, self.writer.integers(1))

    def gathered(self, name: str, rows: str, index: str, number: int) -> str:
        """Add the rows that a column of cells names."""
        return self.writer.node("Gather", name, rows, self.column(f"{name}_number", index, number), axis=0)

    def range(self, name: str, count: str) -> str:
        """Add the numbers from 0 to ``count`` [1], excluded."""
        return self.writer.node("Range", name, self.zero, self.writer.node("Squeeze", f"{name}_count", count), self.one)


_INT64 = onnx.TensorProto.INT64
