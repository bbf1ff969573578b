"""The baseline of bench/features.py: features of one tau after the other, one object after the other, in plain Python."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.features.blocks import Feature, FeatureBlock
from TauAdv.features.expressions import Expression
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable, Grid

Record = dict[str, Any]
Compiled = Callable[[Callable[[str], float]], float]
f32 = np.float32
TINY = float(np.finfo(f32).tiny)
OPERATORS = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv},
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne},
}


def wrapped(difference: Any, pi: Any) -> Any:
    if difference > pi:
        return difference - 2 * pi
    return difference + 2 * pi if difference <= -pi else difference


def energy_over_pt(pt: float, eta: float, mass: float) -> float:
    # numpy's float64 gives inf where Python's own raises
    momentum = np.float64(pt) * np.cosh(np.float64(eta))
    return np.sqrt(momentum * momentum + math.copysign(float(mass) * mass, mass)) / np.float64(pt)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: abs(f32(x)),
    "finite": lambda x: math.isfinite(x),
    "normal": lambda x: math.isfinite(x) and abs(x) >= TINY,
    "where": lambda condition, yes, no: yes if condition else no,
    "delta_phi": lambda a, b: wrapped(f32(a) - f32(b), f32(np.pi)),
    "energy_over_pt": energy_over_pt,
    "quotient": lambda a, b: int((a - math.fmod(a, b)) // b),
    "remainder": lambda a, b: int(math.fmod(a, b)),
    "max": max,
    "min": min,
}


def compiled(node: Expression) -> Compiled:
    """Return the expression as nested Python functions of a function that looks names up."""
    below = [compiled(argument) for argument in node.arguments]
    if node.kind == "name":
        return lambda get: get(node.content)
    if node.kind == "number":
        return lambda get: node.content
    if node.kind == "function":
        return lambda get: FUNCTIONS[node.content](*(argument(get) for argument in below))
    if node.content == "not":
        return lambda get: not below[0](get)
    if node.content == "and":
        return lambda get: below[0](get) and below[1](get)
    if node.content == "or":
        return lambda get: below[0](get) or below[1](get)
    apply = operator.neg if len(below) == 1 else OPERATORS[node.content]
    if node.kind == "comparison":
        return lambda get: apply(float(below[0](get)), float(below[1](get)))
    return lambda get: apply(*(f32(argument(get)) for argument in below))


class PlainExtraction:
    """The same features as :func:`TauAdv.features.extract.extract`, era run2."""

    def __init__(self, table: FeatureTable) -> None:
        self.table = table
        features = [feature for block in table.blocks.values() for feature in block.features]
        self.values = {feature.path: compiled(feature.value) for feature in features}
        self.guards = {feature.path: compiled(feature.guards["run2"]) for feature in features if "run2" in feature.guards}
        self.select = {name: compiled(block.select) for name, block in table.blocks.items() if block.select is not None}
        self.cones = {name: compiled_float64(grid.cone) for name, grid in table.grids.items()}

    def __call__(self, arrays: ak.Array) -> SparseTaus:
        """Return the features of every tau."""
        flat = []
        cells: dict[str, list[tuple[tuple[int, int, int], list[float]]]] = {name: [] for name in self.table.grids}
        with np.errstate(all="ignore"):
            for row in range(len(arrays)):
                tau = ak.to_list(arrays[row])
                flat.append([self.scaled(feature, "inner", tau.__getitem__) for feature in self.table.features("tau")])
                for grid in self.table.grids:
                    cells[grid] += [((row, *cell), values) for cell, values in self.fill(tau, grid)]
        blocks = {}
        for grid, filled in cells.items():
            index = np.array([cell for cell, _ in filled], np.int32).reshape(-1, 3)
            values = np.array([values for _, values in filled], f32).reshape(-1, self.table.layout.cell)
            blocks[grid] = CellBlock(index, values)
        return SparseTaus(np.array(flat, f32), blocks, self.table.layout)

    def fill(self, tau: Record, grid: str) -> list[tuple[tuple[int, int], list[float]]]:
        """Return the filled cells of a tau with their features."""
        best: dict[tuple[int, int], dict[str, int]] = {}
        for block in self.table.blocks.values():
            if block.collection is not None:
                for position in range(len(tau[f"{block.collection}_pt"])):
                    self.offer(tau, block, position, grid, best)
        return [(cell, self.cell_values(tau, grid, best[cell])) for cell in sorted(best)]

    def offer(self, tau: Record, block: FeatureBlock, position: int, grid_name: str, best: dict) -> None:
        """Put an object into its cell if it has the highest pt of its type there."""
        collection, grid = block.collection, self.table.grids[grid_name]
        if block.name in self.select and not self.select[block.name](lambda name: tau[name][position]):
            return
        deta = tau[f"{collection}_eta"][position] - tau["tau_eta"]
        dphi = wrapped(tau[f"{collection}_phi"][position] - tau["tau_phi"], math.pi)
        if not math.hypot(deta, dphi) < self.cones[grid_name](tau.__getitem__):
            return
        cell = (position_in(deta, grid), position_in(dphi, grid))
        if min(cell) < 0:
            return
        pt = tau[f"{collection}_pt"]
        chosen = best.setdefault(cell, {})
        if block.name not in chosen or pt[position] > pt[chosen[block.name]]:
            chosen[block.name] = position

    def cell_values(self, tau: Record, grid: str, chosen: dict[str, int]) -> list[float]:
        """Return the features of a cell, given the object of each type in it."""
        values = []
        for feature in self.table.features("cell"):
            block = self.table.blocks[feature.block]
            if block.collection is None:
                values.append(self.scaled(feature, grid, tau.__getitem__))
            elif block.name in chosen:
                prefix, position = f"{block.collection}_", chosen[block.name]
                get = lambda name: tau[name][position] if name.startswith(prefix) else tau[name]  # noqa: B023, E731
                values.append(self.scaled(feature, grid, get))
            else:
                values.append(0.0)
        return values

    def scaled(self, feature: Feature, grid: str, get: Callable[[str], float]) -> float:
        """Return one scaled feature."""
        if feature.path in self.guards and not self.guards[feature.path](get):
            return feature.default
        scaling = feature.scaling[grid]
        value = (f32(self.values[feature.path](get)) - f32(scaling.mean)) / f32(scaling.std)
        value = min(max(value, f32(scaling.low)), f32(scaling.high))
        return value if math.isfinite(value) else 0.0


def position_in(offset: float, grid: Grid) -> int:
    """Array position of an offset in a grid with an odd number of cells; -1 outside."""
    if not abs(offset) <= grid.cells * grid.cell_size / 2:
        return -1
    index = math.copysign(math.floor(abs(offset) / grid.cell_size + 0.5), offset)
    position = int(index) + grid.cells // 2
    return position if position < grid.cells else -1


def compiled_float64(node: Expression) -> Compiled:
    """As :func:`compiled`, for the cone: arithmetic in Python's own float64."""
    below = [compiled_float64(argument) for argument in node.arguments]
    if node.kind == "name":
        return lambda get: get(node.content)
    if node.kind == "number":
        return lambda get: node.content
    if node.kind == "function":
        return lambda get: FUNCTIONS[node.content](*(argument(get) for argument in below))
    return lambda get: OPERATORS[node.content](*(argument(get) for argument in below))
