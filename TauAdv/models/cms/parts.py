"""The three graphs of a network, and whether they belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from TauAdv.errors import InputError
from TauAdv.models.cms.graph_files import FrozenGraph, read_graph

__all__ = ["CORE", "CORE_OUTPUT", "GRIDS", "CmsGraphs", "cell_input", "grid_input", "read_graphs", "version_of"]

GRIDS = ("inner", "outer")
CORE = "core"
TAU_INPUT = "input_tau"
CORE_OUTPUT = "main_output/Softmax"
_FILE_NAME = re.compile(r"(?P<version>.+)_(?:inner|outer|core)")


@dataclass(frozen=True)
class CmsGraphs:
    """The graphs of one network.

    Attributes:
        cells: grid -> graph that takes its cells one by one.
        core: graph from flat features and grids of merged cells to the scores.
    """

    cells: Mapping[str, FrozenGraph]
    core: FrozenGraph

    @property
    def parts(self) -> dict[str, FrozenGraph]:
        """All graphs by name: inner, outer, core."""
        return {**self.cells, CORE: self.core}


def cell_input(grid: str, component: str) -> str:
    """Return the name of the input of a component of the cells of a grid."""
    return f"input_{grid}_{component}"


def grid_input(grid: str) -> str:
    """Return the name of the core's input of a grid."""
    return f"input_{grid}"


def version_of(core: Path | str) -> str:
    """Return the version of a network in the name of its core's file, such as ``deepTau_2018v2p5``."""
    stem = Path(core).stem
    match = _FILE_NAME.fullmatch(stem)
    return match["version"] if match else stem


def read_graphs(inner: Path | str, outer: Path | str, core: Path | str) -> CmsGraphs:
    """Return the graphs of a network.

    Raises:
        InputError: if files cannot be read or are other graphs of the network (all of them are listed), or they are of
            several versions by their names.
    """
    read: dict[str, FrozenGraph] = {}
    problems = []
    for name, path in (("inner", inner), ("outer", outer), (CORE, core)):
        try:
            read[name] = read_graph(path)
        except InputError as error:
            problems.append(str(error))
    roles = {name: _role(graph) for name, graph in read.items()}
    problems += [_wrong_role(name, graph, roles[name]) for name, graph in read.items() if roles[name] != name]
    for name, role in roles.items():
        if role is not None and name < role and roles.get(role) == name:
            problems.append(f"exchange them: --{name} {read[role].path} --{role} {read[name].path}")
    if problems:
        raise InputError("\n".join(problems))
    graphs = CmsGraphs({grid: read[grid] for grid in GRIDS}, read[CORE])
    _require_one_version(graphs)
    return graphs


def _wrong_role(name: str, graph: FrozenGraph, role: str | None) -> str:
    is_given = f"the {role} graph of a network" if role else "of another network"
    inputs = ", ".join(graph.placeholders) or "none"
    return f"{graph.path}: given as the {name} graph, but by its inputs ({inputs}) it is {is_given}"


def _role(graph: FrozenGraph) -> str | None:
    inputs = set(graph.placeholders)
    if inputs == {TAU_INPUT, *(grid_input(grid) for grid in GRIDS)}:
        return CORE
    for grid in GRIDS:
        if inputs and all(name.startswith(cell_input(grid, "")) for name in inputs):
            return grid
    return None


def _require_one_version(graphs: CmsGraphs) -> None:
    """Check that files named like ``deepTau_2018v2p5_inner.pb`` are of one version; other names say nothing."""
    matches = [_FILE_NAME.fullmatch(graph.path.stem) for graph in graphs.parts.values()]
    versions = {match["version"] for match in matches if match}
    if all(matches) and len(versions) > 1:
        names = ", ".join(graph.path.name for graph in graphs.parts.values())
        msg = (
            f"{names}: graphs of the versions {', '.join(sorted(versions))}; a network is three graphs of one version "
            "(rename the files if these do belong together)"
        )
        raise InputError(msg)
