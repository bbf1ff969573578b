"""Frozen TensorFlow graphs in files: read them, look at their nodes and constants, and say what is wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

from TauAdv.errors import InputError
from TauAdv.io.atomic import kind_of

__all__ = ["FrozenGraph", "read_graph"]

#: Operations that hold a variable: a frozen graph has none.
VARIABLE_OPERATIONS = {"VarHandleOp", "VariableV2", "Variable"}


@dataclass(frozen=True)
class FrozenGraph:
    """A graph whose weights are constants.

    Attributes:
        path: file it was read from, for messages.
        definition: the graph.
    """

    path: Path
    definition: GraphDef

    @cached_property
    def nodes(self) -> Mapping[str, NodeDef]:
        """Nodes by name."""
        return {node.name: node for node in self.definition.node}

    @cached_property
    def placeholders(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the inputs by name; -1 is an open length."""
        return {
            node.name: tuple(dimension.size for dimension in node.attr["shape"].shape.dim)
            for node in self.definition.node
            if node.op == "Placeholder"
        }

    @cached_property
    def weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Constants that hold weights, by name: the floating-point ones with at least one dimension.

        Raises:
            InputError: if one is not in single precision, or not finite.
        """
        found = {}
        for node in self.definition.node:
            if node.op != "Const" or not tf.as_dtype(node.attr["dtype"].type).is_floating:
                continue
            value = self._value(node)
            if value.ndim:
                found[node.name] = value
        return found

    def scalar(self, name: str) -> float:
        """Return the value of a constant without dimensions."""
        return float(self._value(self.nodes[name]))

    def of_type(self, operation: str, prefix: str = "") -> Iterator[NodeDef]:
        """Yield the nodes of an operation, such as ``Conv2D``, whose names start with ``prefix``."""
        for node in self.definition.node:
            if node.op == operation and node.name.startswith(prefix):
                yield node

    def require(self, name: str) -> str:
        """Return the name of a node if the graph has it.

        Raises:
            InputError: if not.
        """
        if name not in self.nodes:
            msg = f"{self.path}: no node '{name}'; expected a graph of a DeepTau network, whole and not renamed"
            raise InputError(msg)
        return name

    def _value(self, node: NodeDef) -> NDArray[np.float32]:
        try:
            value = tf.make_ndarray(node.attr["value"].tensor)
        except (ValueError, TypeError) as error:
            msg = f"{self.path}: constant '{node.name}' cannot be read ({error}): the file is damaged"
            raise InputError(msg) from error
        if value.dtype != np.float32:
            msg = f"{self.path}: constant '{node.name}' is {value.dtype}, expected float32"
            raise InputError(msg)
        if not np.isfinite(value).all():
            msg = f"{self.path}: constant '{node.name}' has {int((~np.isfinite(value)).sum())} values that are not finite"
            raise InputError(msg)
        return value


def read_graph(path: Path | str) -> FrozenGraph:
    """Return the graph of a ``.pb`` file.

    Raises:
        InputError: if the file is missing, truncated, not a graph, or its weights are not frozen.
    """
    path = Path(path)
    if not path.is_file():
        found = f"is a {kind_of(path)}" if path.exists() else "no such file"
        msg = f"{path}: {found}; expected a frozen graph such as deepTau_2018v2p5_core.pb"
        raise InputError(msg)
    content = path.read_bytes()
    definition = GraphDef()
    try:
        definition.ParseFromString(content)
    except DecodeError as error:
        msg = (
            f"{path}: {len(content)} bytes that are not a frozen TensorFlow graph, or a truncated one; fetch the file again"
        )
        raise InputError(msg) from error
    if not definition.node:
        msg = f"{path}: holds no graph; expected a frozen TensorFlow graph (.pb), not a SavedModel or a model of Keras"
        raise InputError(msg)
    graph = FrozenGraph(path, definition)
    _require_whole(graph)
    return graph


def _require_whole(graph: FrozenGraph) -> None:
    """Check that every input of a node is in the file, and that weights are constants."""
    missing = {
        name
        for node in graph.definition.node
        for name in (text.lstrip("^").partition(":")[0] for text in node.input)
        if name not in graph.nodes
    }
    if missing:
        msg = f"{graph.path}: {len(missing)} nodes are missing, '{min(missing)}' among them: the file is truncated"
        raise InputError(msg)
    variables = [node.name for node in graph.definition.node if node.op in VARIABLE_OPERATIONS]
    if variables:
        msg = (
            f"{graph.path}: '{variables[0]}' is a variable without a value; expected a frozen graph, with the weights in it"
        )
        raise InputError(msg)
