"""The dense tensors of taus as inputs of an ONNX graph: as networks read them, or physical values that are scaled inside."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from TauAdv.features.table import FeatureTable
from TauAdv.models.cms.parts import TAU_INPUT, cell_input
from TauAdv.models.export.onnx_writer import OnnxWriter
from TauAdv.models.export.tau_preprocessing import scaling_constants
from TauAdv.models.taus.inputs import TauInputs

__all__ = ["TAUS", "OnnxTaus"]

TAUS = "n_taus"


class OnnxTaus:
    """Adds the inputs of a network of taus to a graph.

    Args:
        writer: of the graph.
        network: whose inputs they are.
        table: feature table of physical values; ``None``: the inputs are scaled already.
    """

    def __init__(self, writer: OnnxWriter, network: TauInputs, table: FeatureTable | None) -> None:
        self._writer, self._network = writer, network
        found = () if table is None else scaling_constants(table, network)
        self._constants = {name: constants for _, name, constants in found}

    def tau(self) -> str:
        """Add the flat features [n, features]."""
        x = self._writer.input(TAU_INPUT, TAUS, self._network.tau.n_features)
        return self._writer.cast("tau_features", self._scaled(x)) if self._constants else x

    def cells(self, grid: str) -> str:
        """Add the features of all cells of a grid [n, eta, phi, features]; those of empty cells are zeros."""
        node, n_cells = self._writer.node, self._network.grids[grid].n_cells
        sizes = {cell_input(grid, name): component.n_features for name, component in self._network.components.items()}
        inputs = [self._writer.input(name, TAUS, n_cells, n_cells, size) for name, size in sizes.items()]
        if not self._constants:
            return node("Concat", f"{grid}_cells", *inputs, axis=3)
        scaled = node("Concat", f"{grid}_scaled", *(self._scaled(name) for name in inputs), axis=3)
        absent = [node("Cast", f"{name}_absent", f"{name}_is_nan", to=TensorProto.FLOAT) for name in inputs]
        share = node("ReduceMin", f"{grid}_absent", node("Concat", f"{grid}_all_absent", *absent, axis=3), axes=[3])
        empty = node("Cast", f"{grid}_is_empty", share, to=TensorProto.BOOL)
        return self._writer.cast(f"{grid}_cells", node("Where", f"{grid}_values", empty, self._single("zero", 0), scaled))

    def _scaled(self, name: str) -> str:
        """Add the steps of :func:`TauAdv.models.export.tau_preprocessing.scaled_in_tensorflow`, in single precision."""
        node, (constants, default) = self._writer.node, self._constants[name]
        x = node("Cast", f"{name}_single", name, to=TensorProto.FLOAT)
        absent = node("IsNaN", f"{name}_is_nan", x)
        for operation, limit in (("Sub", "mean"), ("Div", "std"), ("Min", "high"), ("Max", "low")):
            x = node(operation, f"{name}_{operation}", x, self._single(f"{name}/{limit}", getattr(constants, limit)))
        x = node("Where", f"{name}_known", absent, self._single(f"{name}/default", default), x)
        finite = node("Less", f"{name}_finite", node("Abs", f"{name}_size", x), self._single("infinity", np.inf))
        return node("Where", f"{name}_scaled", finite, x, self._single("zero", 0))

    def _single(self, name: str, value: object) -> str:
        return self._writer.constant(f"single/{name}", np.asarray(value, np.float32), np.float32)
