"""The layers of a DeepTau network as nodes of a frozen graph, named as in the public CMS files."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from TauAdv.models.cms.graph_writer import GraphWriter
from TauAdv.models.deeptau.settings import ConvolutionLayer
from TauAdv.models.layer_weights import LayerWeights

__all__ = ["LayerWriter"]


class LayerWriter:
    """Adds blocks of layers to a graph.

    Args:
        writer: of the graph.
        weights: layer -> name of the weight -> value.
        epsilon: what normalisations add to the variance.
    """

    def __init__(self, writer: GraphWriter, weights: LayerWeights, epsilon: float) -> None:
        self.writer, self.weights, self.epsilon = writer, weights, epsilon

    def dense_block(self, block: str, x: str, n_layers: int) -> str:
        """Add fully connected layers on [n, features]."""
        for number in range(1, n_layers + 1):
            x = self.dense(f"{block}_dense_{number}", x)
            x = self.flat_normalisation(f"{block}_norm_{number}", x)
            x = self.activation(f"{block}_activation_{number}", x)
            x = self.dropout(f"{block}_dropout_{number}", x)
        return x

    def cell_block(self, block: str, x: str, n_layers: int) -> str:
        """Add 1x1 layers on cells [n, 1, 1, features]."""
        for number in range(1, n_layers + 1):
            x = self.pointwise(f"{block}_conv_{number}", x)
            x = self._grid_ending(block, number, x)
        return x

    def convolution_block(self, block: str, x: str, layers: tuple[ConvolutionLayer, ...]) -> str:
        """Add convolutions on grids [n, eta, phi, features]."""
        for number, layer in enumerate(layers, start=1):
            x = self.convolution(f"{block}_conv_{number}", x, layer.stride)
            x = self._grid_ending(block, number, x)
        return x

    def _grid_ending(self, block: str, number: int, x: str) -> str:
        x = self.grid_normalisation(f"{block}_norm_{number}", x)
        x = self.activation(f"{block}_activation_{number}", x)
        return self.dropout(f"{block}_dropout_{number}", x)

    def dense(self, layer: str, x: str) -> str:
        """Add a fully connected layer."""
        weights = self.weights[layer]
        kernel = self.writer.variable(f"{layer}/MatMul/ReadVariableOp", weights["kernel"])
        return self.writer.bias(layer, self.writer.matmul(f"{layer}/MatMul", x, kernel), weights["bias"])

    def pointwise(self, layer: str, x: str) -> str:
        """Add a 1x1 layer, as a product over the last of four axes."""
        writer, weights = self.writer, self.weights[layer]
        *_, n_inputs, width = weights["kernel"].shape
        name = f"{layer}/Tensordot"
        rows, lengths = self._rows_of_cells(name, x)
        read = writer.variable(f"{name}/ReadVariableOp", weights["kernel"].reshape(n_inputs, width))
        product = writer.matmul(f"{name}/MatMul", rows, read)
        last = writer.constant(f"{name}/Const_2", [width])
        shape = writer.concatenate(f"{name}/concat_1", [lengths, last], 0, tf.int32)
        return writer.bias(layer, writer.reshape(name, product, shape), weights["bias"])

    def _rows_of_cells(self, name: str, x: str) -> tuple[str, str]:
        """Add nodes that turn [n, 1, 1, features] into [n, features]; return them and the lengths of the first axes."""
        writer = self.writer
        free = writer.constant(f"{name}/free", [0, 1, 2])
        axes = writer.constant(f"{name}/axes", [3])
        order = writer.concatenate(f"{name}/concat", [free, axes], 0, tf.int32)
        moved = writer.node("Transpose", f"{name}/transpose", x, order, T=tf.float32, Tperm=tf.int32)
        shape = writer.node("Shape", f"{name}/Shape", x, T=tf.float32, out_type=tf.int32)
        counts, lengths = [], []
        for suffix, chosen in (("", free), ("_1", axes)):
            axis = writer.constant(f"{name}/GatherV2{suffix}/axis", 0)
            gathered = writer.node(
                "GatherV2",
                f"{name}/GatherV2{suffix}",
                *(shape, chosen, axis),
                **{"Taxis": tf.int32, "Tindices": tf.int32, "Tparams": tf.int32, "batch_dims": 0},
            )
            along = writer.constant(f"{name}/Const{suffix}", [0])
            counts.append(
                writer.node("Prod", f"{name}/Prod{suffix}", gathered, along, T=tf.int32, Tidx=tf.int32, keep_dims=False)
            )
            lengths.append(gathered)
        stack = writer.node("Pack", f"{name}/stack", *counts, N=2, T=tf.int32, axis=0)
        return writer.reshape(f"{name}/Reshape", moved, stack), lengths[0]

    def convolution(self, layer: str, x: str, stride: int) -> str:
        """Add a convolution with valid padding."""
        weights = self.weights[layer]
        kernel = self.writer.variable(f"{layer}/Conv2D/ReadVariableOp", weights["kernel"])
        convolved = self.writer.node(
            "Conv2D",
            f"{layer}/Conv2D",
            *(x, kernel),
            T=tf.float32,
            data_format="NHWC",
            dilations=[1, 1, 1, 1],
            explicit_paddings=[],
            padding="VALID",
            strides=[1, stride, stride, 1],
            use_cudnn_on_gpu=True,
        )
        return self.writer.bias(layer, convolved, weights["bias"])

    def grid_normalisation(self, layer: str, x: str) -> str:
        """Add a batch normalisation of grids."""
        weights = self.weights[layer]
        names = {
            "gamma": "ReadVariableOp",
            "beta": "ReadVariableOp_1",
            "moving_mean": "FusedBatchNormV3/ReadVariableOp",
            "moving_variance": "FusedBatchNormV3/ReadVariableOp_1",
        }
        reads = [self.writer.variable(f"{layer}/{name}", weights[weight]) for weight, name in names.items()]
        return self.writer.node(
            "FusedBatchNormV3",
            f"{layer}/FusedBatchNormV3",
            *(x, *reads),
            T=tf.float32,
            U=tf.float32,
            data_format="NHWC",
            epsilon=self.epsilon,
            exponential_avg_factor=1.0,
            is_training=False,
        )

    def flat_normalisation(self, layer: str, x: str) -> str:
        """Add a batch normalisation of [n, features]."""
        writer, weights, name = self.writer, self.weights[layer], f"{layer}/batchnorm"
        variance = writer.variable(f"{name}/ReadVariableOp", weights["moving_variance"])
        epsilon = writer.constant(f"{name}/add/Const", self.epsilon, np.float32)
        root = writer.unary("Rsqrt", f"{name}/Rsqrt", writer.binary("AddV2", f"{name}/add", variance, epsilon))
        gamma = writer.variable(f"{name}/mul/ReadVariableOp", weights["gamma"])
        scale = writer.binary("Mul", f"{name}/mul/mul", root, gamma)
        scaled = writer.binary("Mul", f"{name}/mul_1", x, scale)
        beta = writer.variable(f"{name}/ReadVariableOp_2", weights["beta"])
        mean = writer.variable(f"{name}/ReadVariableOp_1", weights["moving_mean"])
        offset = writer.binary("Sub", f"{name}/sub", beta, writer.binary("Mul", f"{name}/mul_2", mean, scale))
        return writer.binary("AddV2", f"{name}/add_1", scaled, offset)

    def activation(self, layer: str, x: str) -> str:
        """Add a PReLU: max(x, 0) - alpha max(-x, 0)."""
        writer = self.writer
        positive = writer.unary("Relu", f"{layer}/Relu", x)
        alpha = writer.variable(f"{layer}/ReadVariableOp", self.weights[layer]["alpha"])
        slope = writer.unary("Neg", f"{layer}/Neg", alpha)
        negative = writer.unary("Relu", f"{layer}/Relu_1", writer.unary("Neg", f"{layer}/Neg_1", x))
        return writer.binary("AddV2", f"{layer}/add", positive, writer.binary("Mul", f"{layer}/mul", slope, negative))

    def dropout(self, layer: str, x: str) -> str:
        """Add what is left of dropout: a node with its name."""
        return self.writer.unary("Identity", f"{layer}/Identity", x)
