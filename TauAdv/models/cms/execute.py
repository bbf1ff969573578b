"""Execute the frozen graphs of a network as CMS software does: cell by cell, then the core.

Only the filled cells go through the inner and outer graphs; all empty cells share the output of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.cms.graph_files import FrozenGraph
from TauAdv.models.cms.parts import CORE_OUTPUT, TAU_INPUT, CmsGraphs, cell_input, grid_input
from TauAdv.models.deeptau.settings import NetworkSettings

__all__ = ["FrozenTagger", "cell_output"]


def cell_output(grid: str, n_layers: int) -> str:
    """Return the name of the output of a cell graph whose merge block has ``n_layers`` layers."""
    return f"{grid}_all_dropout_{n_layers}/Identity"


class FrozenTagger:
    """The frozen graphs of a network, as a function from network inputs to class scores.

    Args:
        graphs: the graphs.
        network: settings of the network they hold.
        every_cell: send every cell through the inner and outer graphs, empty ones too: what a dense network does.
        dtype: precision of the graphs' numbers.
    """

    def __init__(
        self, graphs: CmsGraphs, network: NetworkSettings, *, every_cell: bool = False, dtype: type[np.floating] = np.float32
    ) -> None:
        self.network, self.every_cell, self.dtype = network, every_cell, dtype
        n_merge_layers = len(network.merge_widths())
        self._cells = {
            grid: _function(
                graph, [cell_input(grid, name) for name in network.components], cell_output(grid, n_merge_layers)
            )
            for grid, graph in graphs.cells.items()
        }
        core_inputs = [TAU_INPUT, *(grid_input(grid) for grid in network.grids)]
        self._core = _function(graphs.core, core_inputs, CORE_OUTPUT)

    def __call__(self, inputs: Mapping[str, Any]) -> NDArray[Any]:
        """Return the scores [n, classes] of a batch of network inputs."""
        tau = np.asarray(inputs["tau"], self.dtype)
        grids = [self.merged_cells(grid, inputs, len(tau)) for grid in self.network.grids]
        return self._core(tf.constant(tau), *(tf.constant(grid) for grid in grids)).numpy()

    def merged_cells(self, grid: str, inputs: Mapping[str, Any], n_taus: int) -> NDArray[Any]:
        """Return the grid [n, eta, phi, features] that the core takes."""
        cells, index = np.asarray(inputs[f"{grid}_cells"], self.dtype), np.asarray(inputs[f"{grid}_index"])
        n_cells, width = self.network.grids[grid].n_cells, self.network.merge_widths()[-1]
        if self.every_cell:
            dense = np.zeros((n_taus, n_cells, n_cells, cells.shape[-1]), self.dtype)
            dense[tuple(index.T)] = cells
            return self._rows(grid, dense.reshape(-1, cells.shape[-1])).reshape(n_taus, n_cells, n_cells, width)
        rows = self._rows(grid, np.concatenate([cells, np.zeros((1, cells.shape[-1]), self.dtype)]))
        merged = np.tile(rows[-1], (n_taus, n_cells, n_cells, 1))
        merged[tuple(index.T)] = rows[:-1]
        return merged

    def _rows(self, grid: str, cells: NDArray[Any]) -> NDArray[Any]:
        """Return the merged cells [m, width] of cells [m, features]."""
        parts = [cells[:, None, None, start:stop] for start, stop in self.network.component_columns().values()]
        return self._cells[grid](*(tf.constant(part) for part in parts)).numpy()[:, 0, 0]


def _function(graph: FrozenGraph, inputs: list[str], output: str) -> Any:
    """Return the function from inputs to an output, both given by the names of nodes."""
    for name in (*inputs, output):
        graph.require(name)

    def compute(*tensors: tf.Tensor) -> tf.Tensor:
        given = dict(zip(inputs, tensors, strict=True))
        return tf.graph_util.import_graph_def(graph.definition, given, [f"{output}:0"], name="")[0]

    nodes = {node.name: node for node in graph.definition.node}
    signature = [tf.TensorSpec(nodes[name].attr["shape"].shape, nodes[name].attr["dtype"].type) for name in inputs]
    try:
        return tf.function(compute, input_signature=signature, autograph=False).get_concrete_function()
    except ValueError as error:
        msg = f"{graph.path}: TensorFlow {tf.__version__} cannot execute this graph: {error}"
        raise InputError(msg) from error
