"""From tuple records to sparse, scaled features (arXiv:2201.08458, CMSSW)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import ConfigError, InputError, nearest
from TauAdv.features.blocks import Feature, FeatureBlock
from TauAdv.features.expressions import Array, Expression
from TauAdv.features.grids import cell_position, highest_pt, offsets_from_axis
from TauAdv.features.scaling import scale
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable, Grid

__all__ = ["extract"]


def extract(
    arrays: ak.Array, table: FeatureTable, *, era: str | None = None, rm_inner_from_outer: bool = False
) -> SparseTaus:
    """Return the features of every tau of ``arrays``, in order.

    Memory grows with the number of taus given (about 25 kB a tau while it runs): pass chunks of a few thousand.

    Args:
        arrays: records with the branches ``table.branches`` at least; those of a collection are jagged.
        table: what to compute.
        era: which guards hold; default: the first era of the table.
        rm_inner_from_outer: leave objects inside the inner cone out of the outer grid.

    Raises:
        InputError: branches are missing, a collection's branches differ in length, or an object type is not one of the
            table's.
        ConfigError: the table does not know the era.
    """
    era = table.eras[0] if era is None else era
    if era not in table.eras:
        msg = f"unknown era '{era}'{nearest(era, table.eras)}; eras of feature table {table.name}: {', '.join(table.eras)}"
        raise ConfigError(msg)
    missing = sorted(set(table.branches) - set(arrays.fields))
    if missing:
        msg = f"{len(missing)} branches that feature table {table.name} reads are missing: {', '.join(missing)}"
        raise InputError(msg)
    return _Extraction(arrays, table, era, rm_inner_from_outer).run()


class _Objects:
    """The objects of one collection of all taus, flat, and where they are relative to their tau."""

    def __init__(self, arrays: ak.Array, collection: str) -> None:
        self.collection = collection
        self.arrays = arrays
        self.counts = np.asarray(ak.num(arrays[f"{collection}_pt"]))
        self.tau = np.repeat(np.arange(len(arrays)), self.counts)
        self._flat: dict[str, Array] = {}

    def __getitem__(self, branch: str) -> Array:
        """Return the values of a branch for all objects."""
        if branch not in self._flat:
            values = self.arrays[branch]
            if not np.array_equal(np.asarray(ak.num(values)), self.counts):
                msg = f"branch {branch} has other lengths than {self.collection}_pt: the tuple is corrupt"
                raise InputError(msg)
            self._flat[branch] = np.asarray(ak.flatten(values))
        return self._flat[branch]

    @cached_property
    def geometry(self) -> tuple[Array, Array, Array]:
        """Delta eta, delta phi and delta R from the tau."""
        tau_eta, tau_phi = (np.asarray(self.arrays[name])[self.tau] for name in ("tau_eta", "tau_phi"))
        return offsets_from_axis(self[f"{self.collection}_eta"], self[f"{self.collection}_phi"], tau_eta, tau_phi)


@dataclass(frozen=True)
class _Filling:
    """The objects of a block that fill cells of one grid: their positions, and the number of their cell (rising)."""

    positions: NDArray[np.int64]
    cell: NDArray[np.int64]


class _Extraction:
    """One call of :func:`extract`."""

    def __init__(self, arrays: ak.Array, table: FeatureTable, era: str, rm_inner_from_outer: bool) -> None:
        self.arrays, self.table, self.era = arrays, table, era
        self.rm_inner_from_outer = rm_inner_from_outer
        used = {name for blocks in table.tensors.values() for name in blocks}
        self.blocks = [table.blocks[name] for name in table.blocks if name in used]
        collections = {block.collection for block in self.blocks if block.collection is not None}
        self.objects = {name: _Objects(arrays, name) for name in sorted(collections)}
        self.nonfinite: Counter[str] = Counter()

    def run(self) -> SparseTaus:
        self._check_object_types()
        flat = [self._tau_features(self.table.blocks[name], "inner") for name in self.table.tensors["tau"]]
        in_grids = [block for block in self.blocks if block.collection is not None]
        fillings = {block.name: {name: self._fill(block, name) for name in self.table.grids} for block in in_grids}
        features = {block.name: self._object_features(block, fillings[block.name]) for block in in_grids}
        cells = {}
        for grid in self.table.grids:
            filled = {name: filling[grid] for name, filling in fillings.items()}
            cells[grid] = self._cells(grid, filled, {name: values[grid] for name, values in features.items()})
        return SparseTaus(np.concatenate(flat, axis=0).T.copy(), cells, self.table.layout, dict(self.nonfinite))

    def _check_object_types(self) -> None:
        for branch, allowed in self.table.object_types.items():
            objects = self.objects.get(branch.split("_", 1)[0])
            if objects is None:  # no block of that collection is in a tensor
                continue
            wrong = np.flatnonzero(~np.isin(objects[branch], allowed))
            if len(wrong):
                msg = (
                    f"{branch} = {objects[branch][wrong[0]]} in entry {objects.tau[wrong[0]]} of the chunk "
                    f"({len(wrong)} such objects): expected one of {', '.join(map(str, allowed))}"
                )
                raise InputError(msg)

    def _tau_array(self, name: str) -> Array:
        return np.asarray(self.arrays[name])

    def _cone(self, grid: str) -> NDArray[np.float64]:
        radius = self.table.grids[grid].cone.evaluate(self._tau_array, np.float64)
        return np.broadcast_to(radius.astype(np.float64), len(self.arrays))

    def _fill(self, block: FeatureBlock, grid_name: str) -> _Filling:
        grid: Grid = self.table.grids[grid_name]
        objects = self.objects[str(block.collection)]
        deta, dphi, dr = objects.geometry
        inside = dr < self._cone(grid_name)[objects.tau]
        if grid_name == "outer" and self.rm_inner_from_outer:
            inside &= ~(dr < self._cone("inner")[objects.tau])
        if block.select is not None:
            inside &= block.select.evaluate(objects.__getitem__).astype(bool)
        candidates = np.flatnonzero(inside)
        eta_on, eta_cell = cell_position(deta[candidates], grid.cells, grid.cell_size)
        phi_on, phi_cell = cell_position(dphi[candidates], grid.cells, grid.cell_size)
        on_grid = eta_on & phi_on
        candidates = candidates[on_grid]
        cell = (objects.tau[candidates] * grid.cells + eta_cell[on_grid]) * grid.cells + phi_cell[on_grid]
        best = highest_pt(cell, objects[f"{block.collection}_pt"][candidates])
        return _Filling(candidates[best], cell[best])

    def _tau_features(self, block: FeatureBlock, grid: str) -> NDArray[np.float32]:
        values, valid = _evaluate(block.features, self._tau_array, len(self.arrays), self.era)
        return self._scale(values, valid, block, grid)

    def _object_features(self, block: FeatureBlock, filling: dict[str, _Filling]) -> dict[str, NDArray[np.float32]]:
        """Return the scaled features [features, objects] of the objects that fill each grid."""
        objects = self.objects[str(block.collection)]
        positions = np.concatenate([filling[grid].positions for grid in filling])
        tau = objects.tau[positions]

        def array(name: str) -> Array:
            own = name.startswith(f"{block.collection}_")
            return objects[name][positions] if own else self._tau_array(name)[tau]

        values, valid = _evaluate(block.features, array, len(positions), self.era)
        stops = np.cumsum([len(filling[grid].positions) for grid in filling])
        result = {}
        for grid, start, stop in zip(filling, [0, *stops[:-1]], stops, strict=True):
            part = {position: where[start:stop] for position, where in valid.items()}
            result[grid] = self._scale(values[:, start:stop], part, block, grid)
        return result

    def _scale(self, values: Array, valid: dict[int, Array], block: FeatureBlock, grid: str) -> NDArray[np.float32]:
        scaled, nonfinite = scale(values, valid, block.features, grid)
        self.nonfinite.update(nonfinite)
        return scaled

    def _cells(self, grid: str, filled: dict[str, _Filling], features: dict[str, NDArray[np.float32]]) -> CellBlock:
        cell = np.unique(np.concatenate([filling.cell for filling in filled.values()]))
        side = self.table.grids[grid].cells
        tau, within = np.divmod(cell, side * side)
        index = np.stack([tau, *np.divmod(within, side)], axis=1).astype(np.int32)
        values = np.zeros((len(cell), self.table.layout.cell), np.float32)
        for block, columns in self._columns():
            if block.collection is None:
                values[:, columns] = self._tau_features(block, grid).T[tau]
            else:
                rows = np.searchsorted(cell, filled[block.name].cell)
                values[rows, columns] = features[block.name].T
        return CellBlock(index, values)

    def _columns(self) -> Iterator[tuple[FeatureBlock, slice]]:
        start = 0
        for tensor, names in self.table.tensors.items():
            for name in names if tensor != "tau" else ():
                block = self.table.blocks[name]
                yield block, slice(start, start + len(block))
                start += len(block)


def _evaluate(
    features: tuple[Feature, ...], arrays: Callable[[str], Array], size: int, era: str
) -> tuple[NDArray[np.float32], dict[int, NDArray[np.bool_]]]:
    """Return values float32 [features, size], and where those with a guard are valid."""
    cache: dict[Expression, Array] = {}
    values = np.empty((len(features), size), np.float32)
    valid = {}
    with np.errstate(all="ignore"):
        for position, feature in enumerate(features):
            values[position] = feature.value.evaluate(arrays, np.float32, cache)
            if era in feature.guards:
                valid[position] = np.broadcast_to(feature.guards[era].evaluate(arrays, np.float32, cache).astype(bool), size)
    return values, valid
