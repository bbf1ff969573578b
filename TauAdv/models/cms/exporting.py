"""A classifier of TauAdv as the three frozen graphs of a CMS network."""

from __future__ import annotations

from pathlib import Path

from tensorflow.core.framework.graph_pb2 import GraphDef

from TauAdv.errors import InputError
from TauAdv.models.cms.graph_layers import LayerWriter
from TauAdv.models.cms.graph_writer import GraphWriter
from TauAdv.models.cms.parts import CORE, GRIDS, TAU_INPUT, cell_input, grid_input
from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.layer_weights import LayerWeights

__all__ = ["cell_graph", "core_graph", "graph_files", "write_graphs"]


def graph_files(folder: Path, name: str) -> dict[str, Path]:
    """Return the files of a network's graphs by part (inner, outer, core), named as CMS names them."""
    return {part: folder / f"{name}_{part}.pb" for part in (*GRIDS, CORE)}


def write_graphs(weights: LayerWeights, network: NetworkSettings, folder: Path, name: str) -> dict[str, Path]:
    """Write ``{name}_inner.pb``, ``_outer.pb`` and ``_core.pb``; return the files by part.

    Args:
        weights: layer -> name of the weight -> value.
        network: settings of the network.
        folder: where to write, made before.
        name: of the network.

    Raises:
        InputError: if the network does not have both grids and several components.
    """
    if set(network.grids) != set(GRIDS):
        msg = (
            f"network '{network.name}' has the grids {', '.join(network.grids)}; the CMS format needs {' and '.join(GRIDS)}"
        )
        raise InputError(msg)
    if len(network.components) == 1:
        msg = f"network '{network.name}' has one component; the CMS format joins two or more"
        raise InputError(msg)
    files = graph_files(folder, name)
    for grid in GRIDS:
        files[grid].write_bytes(_serialised(cell_graph(weights, network, grid)))
    files[CORE].write_bytes(_serialised(core_graph(weights, network)))
    return files


def cell_graph(weights: LayerWeights, network: NetworkSettings, grid: str) -> GraphDef:
    """Return the graph from the components of cells [m, 1, 1, features] to merged cells [m, 1, 1, width]."""
    writer = GraphWriter()
    layers = LayerWriter(writer, weights, network.normalisation.epsilon)
    inputs = {
        component: writer.placeholder(cell_input(grid, component), -1, 1, 1, settings.n_features)
        for component, settings in network.components.items()
    }
    parts = [
        layers.cell_block(f"{grid}_{component}", x, len(network.component_widths(component)))
        for component, x in inputs.items()
    ]
    merged = writer.concatenate(f"{grid}_cell_concat/concat", parts, 3)
    return writer.finish(layers.cell_block(f"{grid}_all", merged, len(network.merge_widths())))


def core_graph(weights: LayerWeights, network: NetworkSettings) -> GraphDef:
    """Return the graph from flat features and grids of merged cells [n, eta, phi, width] to scores [n, classes]."""
    writer = GraphWriter()
    layers = LayerWriter(writer, weights, network.normalisation.epsilon)
    width = network.merge_widths()[-1]
    tau = writer.placeholder(TAU_INPUT, -1, network.tau.n_features)
    grids = {
        grid: writer.placeholder(grid_input(grid), -1, settings.n_cells, settings.n_cells, width)
        for grid, settings in network.grids.items()
    }
    parts = [layers.dense_block("tau", tau, len(network.tau.layer_widths(network.dropout)))]
    for grid, x in grids.items():
        convolutions = network.grids[grid].convolutions(width)
        x = layers.convolution_block(f"{grid}_all_3x3", x, convolutions)
        shape = writer.constant(f"{grid}_cells_flatten/Const", [-1, convolutions[-1].width])
        parts.append(writer.reshape(f"{grid}_cells_flatten/Reshape", x, shape))
    x = writer.concatenate("features_concat/concat", parts, 1)
    x = layers.dense_block("final", x, len(network.class_head.widths))
    x = layers.dense("final_dense_last", x)
    return writer.finish(writer.unary("Softmax", "main_output/Softmax", x))


def _serialised(graph: GraphDef) -> bytes:
    return graph.SerializeToString(deterministic=True)
