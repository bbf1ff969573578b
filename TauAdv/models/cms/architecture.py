"""The settings of a network, read from its frozen graphs: inputs, grids, widths and depth of every block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow.core.framework.node_def_pb2 import NodeDef

from TauAdv.config import validate_settings
from TauAdv.errors import InputError
from TauAdv.models.cms.dialects import LayerConstants
from TauAdv.models.cms.graph_files import FrozenGraph
from TauAdv.models.cms.parts import TAU_INPUT, CmsGraphs, cell_input, grid_input
from TauAdv.models.deeptau.settings import NetworkSettings

__all__ = ["epsilon_of", "network_settings"]

FEATURES_CONCATENATION = "features_concat/"


@dataclass(frozen=True)
class _Layers:
    """Looks up the layers of blocks."""

    constants: LayerConstants

    def kernels(self, block: str, kind: str) -> list[tuple[int, ...]]:
        """Return the shapes of the kernels of a block, in order of its layers."""
        pattern = re.compile(rf"{re.escape(block)}_{kind}_(\d+)")
        found = {}
        for layer, constants in self.constants.items():
            if (match := pattern.fullmatch(layer)) and "kernel" in constants:
                found[int(match[1])] = constants["kernel"].shape
        if not found or sorted(found) != list(range(1, len(found) + 1)):
            listed = ", ".join(str(number) for number in sorted(found)) or "none"
            msg = f"block '{block}': expected layers {block}_{kind}_1, 2, ... without gaps; found {listed}"
            raise InputError(msg)
        return [found[number] for number in sorted(found)]

    def widths(self, block: str, kind: str) -> tuple[int, ...]:
        """Return the widths of the layers of a block."""
        return tuple(shape[-1] for shape in self.kernels(block, kind))


def network_settings(graphs: CmsGraphs, constants: LayerConstants, *, name: str, **more: Any) -> NetworkSettings:
    """Return the settings of the network that the graphs hold.

    Args:
        graphs: the graphs.
        constants: their weights by layer.
        name: of the network.
        more: settings that a frozen graph does not tell, for example ``dropout``.

    Raises:
        InputError: if a block is missing, or the graphs do not fit each other.
    """
    layers = _Layers(constants)
    cells = {grid: _cell_settings(grid, graph, layers) for grid, graph in graphs.cells.items()}
    components, merge = _common(graphs, cells)
    head = layers.widths("final", "dense")
    content = {
        "name": name,
        "normalisation": {"epsilon": epsilon_of(graphs)},
        "tau": {"n_features": graphs.core.placeholders[TAU_INPUT][-1], "widths": layers.widths("tau", "dense")},
        "components": components,
        "merge": {"widths": merge},
        "grids": {grid: _grid_settings(grid, graphs.core, layers, merge[-1]) for grid in _grids_in_order(graphs.core)},
        "class_head": {"widths": head},
        "adversarial_head": {"widths": head},
        "n_classes": layers.constants.get("final_dense_last", {}).get("bias", np.zeros(0)).size,
    }
    return validate_settings(NetworkSettings, {**content, **more}, str(graphs.core.path))


def epsilon_of(graphs: CmsGraphs) -> float:
    """Return what the normalisations add to the variance.

    Raises:
        InputError: if there is none, or they differ.
    """
    found = set()
    for graph in graphs.parts.values():
        for node in graph.definition.node:
            if node.op.startswith("FusedBatchNorm"):
                found.add(np.float32(node.attr["epsilon"].f))
            elif node.op == "Const" and node.name.endswith("/batchnorm/add/Const"):
                found.add(np.float32(graph.scalar(node.name)))
    if len(found) != 1:
        listed = ", ".join(str(value) for value in sorted(found)) or "none"
        msg = f"{graphs.core.path}: expected one epsilon in the batch normalisations of the three graphs, found {listed}"
        raise InputError(msg)
    return float(str(found.pop()))  # 0.001 and not the neighbouring float32


def _cell_settings(grid: str, graph: FrozenGraph, layers: _Layers) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return the components of the cells of a grid, in order, and the widths of the layers that merge them."""
    components = {}
    for component in _joined(graph, f"{grid}_cell_concat/", re.compile(rf"{grid}_(\w+?)_(?:dropout|activation)_\d+/.*")):
        shape = graph.placeholders.get(cell_input(grid, component), ())
        if len(shape) != 4:
            msg = f"{graph.path}: no input '{cell_input(grid, component)}' of cells [n, 1, 1, features]"
            raise InputError(msg)
        components[component] = {"n_features": shape[-1], "widths": layers.widths(f"{grid}_{component}", "conv")}
    if idle := set(graph.placeholders) - {cell_input(grid, component) for component in components}:
        msg = f"{graph.path}: the input '{min(idle)}' does not reach the merged cell"
        raise InputError(msg)
    return components, layers.widths(f"{grid}_all", "conv")


def _common(graphs: CmsGraphs, cells: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return components and merge widths, which are the same in all grids."""
    (first, expected), *others = cells.items()
    for grid, received in others:
        if list(received[0].items()) != list(expected[0].items()) or received[1] != expected[1]:
            msg = (
                "graphs of different versions, or of a network whose grids differ:\n"
                f"  {graphs.cells[first].path}: {_describe(*expected)}\n  {graphs.cells[grid].path}: {_describe(*received)}"
            )
            raise InputError(msg)
    return expected


def _describe(components: Mapping[str, Any], merge: tuple[int, ...]) -> str:
    texts = [f"{name} {entry['n_features']} -> {', '.join(map(str, entry['widths']))}" for name, entry in components.items()]
    return "; ".join([*texts, f"merged {', '.join(map(str, merge))}"])


def _grid_settings(grid: str, core: FrozenGraph, layers: _Layers, merged_width: int) -> dict[str, Any]:
    shape = core.placeholders[grid_input(grid)]
    if len(shape) != 4 or shape[1] != shape[2]:
        msg = f"{core.path}: input '{grid_input(grid)}' has the shape {shape}; expected [n, cells, cells, features]"
        raise InputError(msg)
    if shape[3] != merged_width:
        msg = (
            f"{core.path}: takes {grid} cells of {shape[3]} features, but the {grid} graph makes {merged_width}: "
            "graphs of different versions"
        )
        raise InputError(msg)
    block = f"{grid}_all_3x3"
    convolutions = [
        {"kernel": kernel[0], "stride": _stride(core, f"{block}_conv_{number}"), "width": kernel[-1]}
        for number, kernel in enumerate(layers.kernels(block, "conv"), start=1)
    ]
    return {"n_cells": shape[1], "layers": convolutions}


def _stride(core: FrozenGraph, layer: str) -> int:
    node = _only(core, "Conv2D", f"{layer}/")
    strides = tuple(node.attr["strides"].list.i)
    if node.attr["padding"].s != b"VALID" or len(strides) != 4 or strides[1] != strides[2]:
        msg = (
            f"{core.path}: convolution '{layer}' has padding {node.attr['padding'].s.decode()} and strides {strides}; "
            "expected no padding (VALID) and equal strides along eta and phi"
        )
        raise InputError(msg)
    return strides[1]


def _grids_in_order(core: FrozenGraph) -> list[str]:
    """Return the grids as they follow the flat features in the common features."""
    order = _joined(core, FEATURES_CONCATENATION, re.compile(r"(tau_|inner_|outer_).*"))
    if order[0] != "tau_":
        msg = f"{core.path}: the common features start with '{order[0]}', expected those of the tau"
        raise InputError(msg)
    return [name.rstrip("_") for name in order[1:]]


def _joined(graph: FrozenGraph, prefix: str, pattern: re.Pattern[str]) -> list[str]:
    """Return the first group of ``pattern`` for every tensor that a concatenation joins, in order."""
    node = _only(graph, "ConcatV2", prefix)
    names = [pattern.fullmatch(text) for text in node.input[:-1]]
    if not all(names):
        msg = f"{graph.path}: '{node.name}' joins {', '.join(node.input[:-1])}: not a DeepTau network"
        raise InputError(msg)
    return [match[1] for match in names if match]


def _only(graph: FrozenGraph, operation: str, prefix: str) -> NodeDef:
    found = list(graph.of_type(operation, prefix))
    if len(found) != 1:
        msg = f"{graph.path}: expected one {operation} of '{prefix.rstrip('/')}', found {len(found)}: not a DeepTau network"
        raise InputError(msg)
    return found[0]
