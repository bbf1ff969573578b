"""Frozen graphs of small networks in the two dialects of CMS, written node by node and without the library's writer."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from network_batches import randomise, tiny_network
from tensorflow.core.framework.graph_pb2 import GraphDef

from TauAdv.models.deeptau.network import TauTagger, build_classifier
from TauAdv.models.deeptau.settings import NetworkSettings

TF1, TF2 = "TF1-folded", "TF2-frozen"
# takes what the feature table deeptau_v2p5 gives
V2P5_INPUTS = {
    "tau": {"n_features": 43, "widths": [6]},
    "components": {
        "egamma": {"n_features": 86, "widths": [4]},
        "muon": {"n_features": 64, "widths": [4]},
        "hadrons": {"n_features": 38, "widths": [4]},
    },
    "grids": {
        "inner": {"n_cells": 11, "layers": [{"kernel": 11, "width": 5}]},
        "outer": {"n_cells": 21, "layers": [{"kernel": 21, "width": 5}]},
    },
}


def small_network(**changes) -> NetworkSettings:
    """Several layers everywhere, and no two blocks of equal widths."""
    settings = {
        "name": "small",
        "dropout": 0.2,
        "tau": {"n_features": 7, "widths": [9, 6]},
        "components": {
            "egamma": {"n_features": 5, "widths": [8, 6]},
            "muon": {"n_features": 4, "widths": [7]},
            "hadrons": {"n_features": 3, "widths": [6, 5, 4]},
        },
        "merge": {"widths": [11, 8]},
        "grids": {"inner": {"n_cells": 5}, "outer": {"n_cells": 7}},
        "class_head": {"widths": [10, 9, 8]},
        "adversarial_head": {"widths": [10, 9, 8]},
    }
    return tiny_network(**{**settings, **changes})


def random_model(network: NetworkSettings, seed: int = 3) -> TauTagger:
    """A classifier whose weights are all different."""
    model = build_classifier(network, seed=seed)
    randomise(model, seed)
    return model


def weights_of(model: TauTagger) -> dict[str, dict[str, np.ndarray]]:
    return {layer.name: {w.name: w.numpy() for w in layer.weights} for layer in model.layers if layer.weights}


def told_by_graphs(network: NetworkSettings) -> dict:
    """What the graphs of a network tell of its settings."""
    return {
        "tau": (network.tau.n_features, network.tau.layer_widths(network.dropout)),
        "components": [(name, c.n_features, network.component_widths(name)) for name, c in network.components.items()],
        "merge": network.merge_widths(),
        "grids": [(name, g.n_cells, g.convolutions(network.merge_widths()[-1])) for name, g in network.grids.items()],
        "head": network.class_head.widths,
        "classes": network.n_classes,
        "epsilon": network.normalisation.epsilon,
    }


@dataclass
class TestGraph:
    """A graph under construction; every method returns the name of its last node."""

    __test__ = False
    dialect: str
    weights: dict
    epsilon: float
    definition: GraphDef = field(default_factory=GraphDef)
    count: int = 0

    def op(self, kind, name, *inputs, **attributes):
        node = self.definition.node.add(op=kind, name=name, input=inputs)
        for key, value in {"T": tf.float32, **attributes}.items():
            if value is None:
                continue
            if isinstance(value, tf.DType):
                node.attr[key].type = value.as_datatype_enum
            elif isinstance(value, bool):
                node.attr[key].b = value
            elif isinstance(value, int):
                node.attr[key].i = value
            elif isinstance(value, float):
                node.attr[key].f = value
            elif isinstance(value, bytes):
                node.attr[key].s = value
            else:
                node.attr[key].list.i.extend(value)
        return name

    def const(self, name, value):
        value = np.asarray(value)
        self.op("Const", name, T=None, dtype=tf.as_dtype(value.dtype))
        self.definition.node[-1].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        return name

    def placeholder(self, name, *shape):
        self.op("Placeholder", name, T=None, dtype=tf.float32)
        for size in shape:
            self.definition.node[-1].attr["shape"].shape.dim.add(size=size)
        return name

    def weight(self, tf2_name, tf1_name, value):
        """A weight under the name of the graph's dialect."""
        if self.dialect == TF1:
            return self.const(tf1_name, value)
        return self.op("Identity", tf2_name, self.const(f"{tf2_name}/resource", value))

    def folded(self, prefix, value):
        """A constant that folding made."""
        self.count += 1
        return self.const(f"{prefix}/_{self.count}__cf__{self.count}", value)

    def linear(self, layer, x):
        kernel = self.weight(f"{layer}/MatMul/ReadVariableOp", f"{layer}/kernel", self.weights[layer]["kernel"])
        return self.bias(layer, self.op("MatMul", f"{layer}/MatMul", x, kernel))

    def bias(self, layer, x):
        bias = self.weight(f"{layer}/BiasAdd/ReadVariableOp", f"{layer}/bias", self.weights[layer]["bias"])
        return self.op("BiasAdd", f"{layer}/BiasAdd", x, bias)

    def pointwise(self, layer, x):
        """A 1x1 convolution: a product of matrices in the newer dialect."""
        if self.dialect == TF1:
            return self.convolution(layer, x, 1)
        kernel = self.weights[layer]["kernel"][0, 0]
        rows = self.op(
            "Reshape", f"{layer}/Tensordot/Reshape", x, self.const(f"{layer}/rows", np.array([-1, kernel.shape[0]], "i4"))
        )
        read = self.weight(f"{layer}/Tensordot/ReadVariableOp", "", kernel)
        product = self.op("MatMul", f"{layer}/Tensordot/MatMul", rows, read)
        shape = self.const(f"{layer}/cells", np.array([-1, 1, 1, kernel.shape[1]], "i4"))
        return self.bias(layer, self.op("Reshape", f"{layer}/Tensordot", product, shape))

    def convolution(self, layer, x, stride):
        kernel = self.weight(f"{layer}/Conv2D/ReadVariableOp", f"{layer}/kernel", self.weights[layer]["kernel"])
        strides = {"padding": b"VALID", "strides": [1, stride, stride, 1]}
        return self.bias(layer, self.op("Conv2D", f"{layer}/Conv2D", x, kernel, **strides))

    def grid_norm(self, layer, x):
        names = {
            "gamma": "ReadVariableOp",
            "beta": "ReadVariableOp_1",
            "moving_mean": "FusedBatchNormV3/ReadVariableOp",
            "moving_variance": "FusedBatchNormV3/ReadVariableOp_1",
        }
        values = self.weights[layer]
        reads = [self.weight(f"{layer}/{name}", f"{layer}/{role}", values[role]) for role, name in names.items()]
        kind, types = ("FusedBatchNorm", {}) if self.dialect == TF1 else ("FusedBatchNormV3", {"U": tf.float32})
        return self.op(kind, f"{layer}/{kind}", x, *reads, epsilon=self.epsilon, is_training=False, **types)

    def flat_norm(self, layer, x):
        values = self.weights[layer]
        if self.dialect == TF1:
            scale = values["gamma"] / np.sqrt(values["moving_variance"].astype("f8") + self.epsilon)
            shift = values["beta"] - values["moving_mean"] * scale
            scaled = self.op(
                "Mul", f"{layer}/batchnorm_1/mul_1", x, self.folded(f"{layer}/batchnorm_1/mul", scale.astype("f4"))
            )
            shifted = self.folded(f"{layer}/batchnorm_1/sub", shift.astype("f4"))
            return self.op("Add", f"{layer}/batchnorm_1/add_1", scaled, shifted)
        name = f"{layer}/batchnorm"
        variance = self.weight(f"{name}/ReadVariableOp", "", values["moving_variance"])
        sum_ = self.op("AddV2", f"{name}/add", variance, self.const(f"{name}/add/Const", np.float32(self.epsilon)))
        gamma = self.weight(f"{name}/mul/ReadVariableOp", "", values["gamma"])
        scale = self.op("Mul", f"{name}/mul/mul", self.op("Rsqrt", f"{name}/Rsqrt", sum_), gamma)
        mean = self.weight(f"{name}/ReadVariableOp_1", "", values["moving_mean"])
        beta = self.weight(f"{name}/ReadVariableOp_2", "", values["beta"])
        shift = self.op("Sub", f"{name}/sub", beta, self.op("Mul", f"{name}/mul_2", mean, scale))
        return self.op("AddV2", f"{name}/add_1", self.op("Mul", f"{name}/mul_1", x, scale), shift)

    def ending(self, block, number, x):
        layer, alpha = f"{block}_activation_{number}", self.weights[f"{block}_activation_{number}"]["alpha"]
        positive = self.op("Relu", f"{layer}/Relu", x)
        if self.dialect == TF1:
            slope = self.folded(f"{layer}/Neg", -alpha)
        else:
            slope = self.op("Neg", f"{layer}/Neg", self.weight(f"{layer}/ReadVariableOp", "", alpha))
        negative = self.op("Relu", f"{layer}/Relu_1", self.op("Neg", f"{layer}/Neg_1", x))
        total = self.op("AddV2", f"{layer}/add", positive, self.op("Mul", f"{layer}/mul", slope, negative))
        return self.op("Identity", f"{block}_dropout_{number}/Identity", total)

    def dense_block(self, block, x, widths):
        for number in range(1, len(widths) + 1):
            x = self.flat_norm(f"{block}_norm_{number}", self.linear(f"{block}_dense_{number}", x))
            x = self.ending(block, number, x)
        return x

    def cell_block(self, block, x, widths):
        for number in range(1, len(widths) + 1):
            x = self.grid_norm(f"{block}_norm_{number}", self.pointwise(f"{block}_conv_{number}", x))
            x = self.ending(block, number, x)
        return x

    def convolution_block(self, block, x, layers):
        for number, layer in enumerate(layers, start=1):
            x = self.grid_norm(f"{block}_norm_{number}", self.convolution(f"{block}_conv_{number}", x, layer.stride))
            x = self.ending(block, number, x)
        return x

    def concat(self, name, axis, parts):
        return self.op("ConcatV2", name, *parts, self.const(f"{name}/axis", np.int32(axis)), N=len(parts), Tidx=tf.int32)


def cell_graph(grid: str, network: NetworkSettings, weights: dict, dialect: str) -> GraphDef:
    graph = TestGraph(dialect, weights, network.normalisation.epsilon)
    parts = []
    for name in reversed(network.components):  # the order of inputs and blocks in a file means nothing
        graph.placeholder(f"input_{grid}_{name}", -1, 1, 1, network.components[name].n_features)
    for name in network.components:
        parts.append(graph.cell_block(f"{grid}_{name}", f"input_{grid}_{name}", network.component_widths(name)))
    graph.cell_block(f"{grid}_all", graph.concat(f"{grid}_cell_concat/concat", 3, parts), network.merge_widths())
    return graph.definition


def core_graph(network: NetworkSettings, weights: dict, dialect: str) -> GraphDef:
    graph, width = TestGraph(dialect, weights, network.normalisation.epsilon), network.merge_widths()[-1]
    tau = graph.placeholder("input_tau", -1, network.tau.n_features)
    parts = [graph.dense_block("tau", tau, network.tau.layer_widths(network.dropout))]
    for grid, settings in network.grids.items():
        x = graph.placeholder(f"input_{grid}", -1, settings.n_cells, settings.n_cells, width)
        layers = settings.convolutions(width)
        x = graph.convolution_block(f"{grid}_all_3x3", x, layers)
        shape = graph.const(f"{grid}_cells_flatten/Const", np.array([-1, layers[-1].width], "i4"))
        parts.append(graph.op("Reshape", f"{grid}_cells_flatten/Reshape", x, shape))
    x = graph.dense_block("final", graph.concat("features_concat/concat", 1, parts), network.class_head.widths)
    graph.op("Softmax", "main_output/Softmax", graph.linear("final_dense_last", x))
    return graph.definition


def network_graphs(model: TauTagger, dialect: str) -> dict[str, GraphDef]:
    """The graphs of a model by part."""
    weights, network = weights_of(model), model.network
    cells = {grid: cell_graph(grid, network, weights, dialect) for grid in ("inner", "outer")}
    return {**cells, "core": core_graph(network, weights, dialect)}


def write_graphs(graphs: dict[str, GraphDef], folder: Path, version: str = "test") -> dict[str, Path]:
    """Write graphs as ``{version}_{part}.pb``; return the files by part, as the library's functions take them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {part: folder / f"{version}_{part}.pb" for part in graphs}
    for part, graph in graphs.items():
        files[part].write_bytes(graph.SerializeToString())
    return files


def write_network(model: TauTagger, folder: Path, dialect: str = TF2, version: str = "test") -> dict[str, Path]:
    """Write the graphs of a model; return the files by part."""
    return write_graphs(network_graphs(model, dialect), folder, version)
