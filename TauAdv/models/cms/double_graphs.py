"""Frozen graphs in double precision.

Every node that computes in single precision computes in double precision, with the same constants. TensorFlow has no fused
batch normalisation in double precision: its formula (documentation of ``tf.raw_ops.FusedBatchNorm``) is written out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.types_pb2 import DT_DOUBLE, DT_FLOAT

from TauAdv.models.cms.graph_files import FrozenGraph
from TauAdv.models.cms.parts import CmsGraphs

__all__ = ["double_graphs"]

_FUSED = {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}


def double_graphs(graphs: CmsGraphs) -> CmsGraphs:
    """Return the graphs of a network in double precision."""
    return CmsGraphs({grid: _double(graph) for grid, graph in graphs.cells.items()}, _double(graphs.core))


def _double(graph: FrozenGraph) -> FrozenGraph:
    definition = GraphDef(versions=graph.definition.versions)
    for node in graph.definition.node:
        definition.node.extend(_normalisation(node) if node.op in _FUSED else [_double_node(node)])
    return dataclasses.replace(graph, definition=definition)


def _double_node(node: NodeDef) -> NodeDef:
    double = NodeDef()
    double.CopyFrom(node)
    for attribute in double.attr.values():
        if attribute.type == DT_FLOAT:
            attribute.type = DT_DOUBLE
    if node.op == "Const" and node.attr["dtype"].type == DT_FLOAT:
        value = tf.make_ndarray(node.attr["value"].tensor).astype(np.float64)
        double.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return double


def _normalisation(node: NodeDef) -> Iterator[NodeDef]:
    """Yield the nodes of (x - mean) / sqrt(variance + epsilon) * gamma + beta; the last has the name of ``node``."""
    x, gamma, beta, mean, variance = node.input[:5]
    epsilon = NodeDef(name=f"{node.name}/epsilon", op="Const")
    epsilon.attr["dtype"].type = DT_DOUBLE
    epsilon.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float64(node.attr["epsilon"].f)))
    yield epsilon
    steps = [
        ("AddV2", "sum", [variance, epsilon.name]),
        ("Rsqrt", "root", [f"{node.name}/sum"]),
        ("Sub", "centred", [x, mean]),
        ("Mul", "scale", [f"{node.name}/root", gamma]),
        ("Mul", "scaled", [f"{node.name}/centred", f"{node.name}/scale"]),
        ("AddV2", "", [f"{node.name}/scaled", beta]),
    ]
    for operation, name, inputs in steps:
        step = NodeDef(name=f"{node.name}/{name}".rstrip("/"), op=operation, input=inputs)
        step.attr["T"].type = DT_DOUBLE
        yield step
