"""Write a frozen TensorFlow graph node by node, with the names and attributes that TensorFlow 2 gives when it freezes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.tensor_pb2 import TensorProto

__all__ = ["GraphWriter"]

#: Version of the graph format of the public DeepTau 2018 v2p5 files: what reads those reads ours.
_PRODUCER = 716
_FLOAT = tf.float32


class GraphWriter:
    """A graph that grows by nodes; every method adds some and returns the name of the last."""

    def __init__(self) -> None:
        self.definition = GraphDef()
        self.definition.versions.producer = _PRODUCER
        self._variables: list[str] = []

    def node(self, operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add any operation; attributes are types, numbers, texts, lists of integers, or tensors."""
        node = self.definition.node.add(op=operation, name=name, input=inputs)
        for key, value in attributes.items():
            node.attr[key].CopyFrom(_attribute(value))
        return name

    def placeholder(self, name: str, *shape: int) -> str:
        """Add an input of a shape; -1 is an open length."""
        sizes = [{"size": size} for size in shape]
        attribute = AttrValue(shape={"dim": sizes})
        return self.node("Placeholder", name, dtype=_FLOAT, shape=attribute)

    def constant(self, name: str, value: Any, dtype: Any = np.int32) -> str:
        """Add a constant that belongs to the structure of the graph."""
        value = np.asarray(value, dtype)
        return self.node("Const", name, dtype=tf.as_dtype(value.dtype), value=tf.make_tensor_proto(value))

    def variable(self, name: str, value: NDArray[np.float32]) -> str:
        """Add a weight under the name of the operation that read the variable before it was frozen."""
        self.constant(f"{name}/resource", value, np.float32)
        self._variables.append(name)
        return self.node("Identity", name, f"{name}/resource", T=_FLOAT)

    def unary(self, operation: str, name: str, x: str) -> str:
        """Add an operation on one tensor."""
        return self.node(operation, name, x, T=_FLOAT)

    def binary(self, operation: str, name: str, first: str, second: str) -> str:
        """Add an operation on two tensors."""
        return self.node(operation, name, first, second, T=_FLOAT)

    def matmul(self, name: str, x: str, kernel: str) -> str:
        """Add a product of matrices."""
        return self.node("MatMul", name, x, kernel, T=_FLOAT, transpose_a=False, transpose_b=False)

    def bias(self, layer: str, x: str, bias: NDArray[np.float32]) -> str:
        """Add a layer's bias."""
        read = self.variable(f"{layer}/BiasAdd/ReadVariableOp", bias)
        return self.node("BiasAdd", f"{layer}/BiasAdd", x, read, T=_FLOAT, data_format="NHWC")

    def concatenate(self, name: str, parts: list[str], axis: int, dtype: Any = _FLOAT) -> str:
        """Join tensors along an axis."""
        axis_name = self.constant(f"{name}/axis", axis)
        return self.join(name, parts, axis_name, dtype)

    def join(self, name: str, parts: list[str], axis: str, dtype: Any = _FLOAT) -> str:
        """Join tensors along the axis that a constant holds."""
        return self.node("ConcatV2", name, *parts, axis, N=len(parts), T=dtype, Tidx=tf.int32)

    def reshape(self, name: str, x: str, shape: str) -> str:
        """Give a tensor another shape."""
        return self.node("Reshape", name, x, shape, T=_FLOAT, Tshape=tf.int32)

    def finish(self, output: str) -> GraphDef:
        """Add the last node, which depends on every weight, and return the graph."""
        self.node("Identity", "Identity", output, *(f"^{name}" for name in sorted(self._variables)), T=_FLOAT)
        return self.definition


def _attribute(value: Any) -> AttrValue:
    if isinstance(value, AttrValue):
        return value
    if isinstance(value, tf.DType):
        return AttrValue(type=value.as_datatype_enum)
    if isinstance(value, TensorProto):
        return AttrValue(tensor=value)
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, int):
        return AttrValue(i=value)
    if isinstance(value, float):
        return AttrValue(f=value)
    if isinstance(value, str):
        return AttrValue(s=value.encode())
    return AttrValue(list=AttrValue.ListValue(i=value))
