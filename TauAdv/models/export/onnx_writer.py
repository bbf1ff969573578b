"""Write an ONNX graph node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

__all__ = ["OnnxWriter"]

#: Versions of the operations and of the file format: those that onnxruntime 1.13 and later read.
_OPERATIONS, _FILE_FORMAT = 17, 8


class OnnxWriter:
    """A graph that grows by nodes; a node's first output has the name of the node.

    Args:
        dtype: precision of inputs, weights and scores.
    """

    def __init__(self, dtype: type[np.floating] = np.float32) -> None:
        self.dtype = dtype
        self._type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def input(self, name: str, *shape: int | str) -> str:
        """Add an input; a text is the name of an open length."""
        self._inputs.append(helper.make_tensor_value_info(name, self._type, list(shape)))
        return name

    def constant(self, name: str, value: ArrayLike, dtype: Any = None) -> str:
        """Add a constant, in the precision of the graph if no other type is given, if there is none of that name."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value, dtype or self.dtype), name)
        return name

    def integers(self, *values: int) -> str:
        """Add a list of integers, shared by all nodes that need the same."""
        return self.constant("integers_" + "_".join(map(str, values)), values, np.int64)

    def node(self, operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        self._nodes.append(helper.make_node(operation, list(inputs), [name], name=name, **attributes))
        return name

    def cast(self, name: str, x: str) -> str:
        """Add a tensor of floating-point numbers in the precision of the graph."""
        return self.node("Cast", name, x, to=self._type)

    def split(self, name: str, x: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Cut a tensor into pieces."""
        pieces = [f"{name}_{number}" for number in range(len(sizes))]
        self._nodes.append(helper.make_node("Split", [x, self.integers(*sizes)], pieces, name=name, axis=axis))
        return pieces

    def finish(self, name: str, output: str, shape: Sequence[int | str], metadata: Mapping[str, str]) -> onnx.ModelProto:
        """Return the model, checked."""
        result = helper.make_tensor_value_info(output, self._type, list(shape))
        graph = helper.make_graph(self._nodes, name, self._inputs, [result], list(self._constants.values()))
        opset = helper.make_opsetid("", _OPERATIONS)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_FILE_FORMAT, producer_name="TauAdv")
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        return model
