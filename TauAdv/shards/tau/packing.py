"""Taus with nothing that is empty or said twice: the form in which shards are stored and shuffled.

In the feature vector of a filled cell most object types are absent, and the features of the tau itself (block GridGlobal of
arXiv:2201.08458) repeat in every cell and tensor. Packed, a cell keeps a bit per object type and the
values of the objects that are there; the tau's own values are kept once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.features.sparse import CellBlock, Layout, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.shards.tau.selection import IDENTITY

__all__ = ["PackLayout", "PackedGrid", "PackedTaus", "pack", "unpack"]

Span = tuple[int, int]
_GRID_FIELDS = {"counts": pa.uint16(), "eta": pa.uint8(), "phi": pa.uint8(), "present": pa.uint32()}


@dataclass(frozen=True)
class PackLayout:
    """Where the parts of a cell's feature vector are: the :class:`TauAdv.shards.row_layout.RowLayout` of taus.

    Attributes:
        layout: sizes of the unpacked arrays.
        objects: object type -> (start, stop) of its features.
        shared: name of a block of the tau's own features -> the spans that repeat it.
    """

    layout: Layout
    objects: Mapping[str, Span]
    shared: Mapping[str, Sequence[Span]]

    rows = "taus"
    classes = TAU_CLASSES
    identity = IDENTITY
    key = ("run", "lumi", "evt")

    @classmethod
    def of(cls, table: FeatureTable) -> PackLayout:
        """Return the layout of a feature table."""
        objects: dict[str, Span] = {}
        shared: dict[str, list[Span]] = {}
        start = 0
        for tensor in table.layout.tensors:
            for name in table.tensors[tensor]:
                block = table.blocks[name]
                span = (start, start + len(block.features))
                start = span[1]
                if block.collection is None:
                    shared.setdefault(name, []).append(span)
                else:
                    objects[name if name not in objects else f"{tensor}/{name}"] = span
        return cls(table.layout, objects, shared)

    @property
    def num_shared(self) -> int:
        """Number of values that are kept once per tau and grid."""
        return sum(spans[0][1] - spans[0][0] for spans in self.shared.values())

    def fields(self) -> dict[str, pa.DataType]:
        """Return the arrays that a chunk is stored as, and the types of their items."""
        fields = {"tau": pa.float32()}
        for grid in self.layout.grids:
            fields |= {f"{grid}/{name}": kind for name, kind in _GRID_FIELDS.items()}
            fields |= {f"{grid}/{name}": pa.float32() for name in ("shared", *self.objects)}
        return fields

    def encode(self, packed: PackedTaus) -> list[NDArray[Any]]:
        """Return one flat array per field: values of the same feature lie next to each other, which compresses well."""
        arrays: list[NDArray[Any]] = [packed.tau.T.ravel()]
        for grid in packed.grids.values():
            arrays += [grid.counts.astype(np.uint16), grid.position[:, 0], grid.position[:, 1], grid.present]
            arrays += [values.T.ravel() for values in (grid.shared, *grid.objects)]
        return arrays

    def decode(self, arrays: Sequence[NDArray[Any]]) -> PackedTaus:
        """Return the taus that :meth:`encode` made the arrays of."""
        sizes = [stop - start for start, stop in self.objects.values()]
        grids, step = {}, len(_GRID_FIELDS) + 1 + len(sizes)
        for number, grid in enumerate(self.layout.grids):
            counts, eta, phi, present, shared, *objects = arrays[1 + number * step : 1 + (number + 1) * step]
            grids[grid] = PackedGrid(
                counts.astype(np.int32),
                np.stack([eta, phi], axis=1),
                present,
                _matrix(shared, self.num_shared, len(counts)),
                tuple(_matrix(values, size) for values, size in zip(objects, sizes, strict=True)),
            )
        return PackedTaus(_matrix(arrays[0], self.layout.tau), grids)

    def concatenate(self, parts: Sequence[PackedTaus]) -> PackedTaus:
        """Return the taus of one or more parts, in order."""
        return PackedTaus.concatenate(parts)

    def unpack(self, packed: PackedTaus) -> SparseTaus:
        """Return the taus with full feature vectors for every filled cell."""
        return unpack(packed, self)

    def empty(self) -> SparseTaus:
        """Return no taus."""
        return SparseTaus.empty(self.layout)

    def input_shapes(self) -> dict[str, tuple[type, tuple[int | None, ...]]]:
        """Return dtype and shape of the network's inputs; ``None`` for lengths that vary."""
        shapes: dict[str, tuple[type, tuple[int | None, ...]]] = {"tau": (np.float32, (None, self.layout.tau))}
        for grid in self.layout.grids:
            shapes[f"{grid}_index"] = (np.int32, (None, 3))
            shapes[f"{grid}_cells"] = (np.float32, (None, self.layout.cell))
        return shapes

    def from_inputs(self, inputs: Mapping[str, NDArray[Any]]) -> SparseTaus:
        """Return the taus whose ``as_inputs()`` these are; cells may be in any order.

        Raises:
            InputError: cells of taus or at places that there are not, or two of the same place.
        """
        cells = {}
        for grid, side in self.layout.grids.items():
            index, values = inputs[f"{grid}_index"], inputs[f"{grid}_cells"]
            limits = (len(inputs["tau"]), side, side)
            if len(index) != len(values) or np.any((index < 0) | (index >= limits)):
                msg = (
                    f"input {grid}_index: expected a row (tau, eta, phi) below {limits} for each of the {len(values)} rows "
                    f"of {grid}_cells, received {len(index)} rows up to {tuple(index.max(axis=0, initial=0).tolist())}"
                )
                raise InputError(msg)
            order = np.lexsort(index.T[::-1])
            if np.any(np.all(np.diff(index[order], axis=0) == 0, axis=1)):
                msg = f"input {grid}_index: expected every cell of a tau once, received some twice"
                raise InputError(msg)
            cells[grid] = CellBlock(index[order], values[order])
        return SparseTaus(inputs["tau"], cells, self.layout)


def _matrix(values: NDArray[np.float32], width: int, rows: int | None = None) -> NDArray[np.float32]:
    """Undo the transposition of a stored matrix."""
    count = len(values) // width if rows is None else rows
    return np.ascontiguousarray(values.reshape(width, count).T)


def _ragged(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the concatenation of arange(start, start + count)."""
    first = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - first, counts)


@dataclass(frozen=True)
class PackedGrid:
    """Filled cells of one grid.

    Attributes:
        counts: int32 [n], filled cells of each tau.
        position: uint8 [m, 2], eta and phi cell.
        present: uint32 [m], bit b set where an object of type b is in the cell.
        shared: float32 [n, shared], the tau's own features; 0 for a tau without cells.
        objects: per object type float32 [objects, features].
    """

    counts: NDArray[np.int32]
    position: NDArray[np.uint8]
    present: NDArray[np.uint32]
    shared: NDArray[np.float32]
    objects: tuple[NDArray[np.float32], ...]

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])

    def has(self, number: int) -> NDArray[np.bool_]:
        """Return bool [m]: the cells that hold an object of this type."""
        return (self.present >> np.uint32(number) & np.uint32(1)).astype(bool)

    @cached_property
    def _ranks(self) -> list[NDArray[np.int64]]:
        """Per object type: the row of ``objects`` that belongs to each cell, -1 where there is none."""
        present = [self.has(number) for number in range(len(self.objects))]
        return [np.where(bits, np.cumsum(bits) - 1, -1) for bits in present]

    def take(self, rows: NDArray[np.int64]) -> PackedGrid:
        """Return the cells of the taus ``rows`` in that order."""
        counts = self.counts[rows]
        cells = _ragged(self._offsets[rows], counts.astype(np.int64))
        objects = []
        for rank, values in zip(self._ranks, self.objects, strict=True):
            source = rank[cells]
            objects.append(values[source[source >= 0]])
        return PackedGrid(counts, self.position[cells], self.present[cells], self.shared[rows], tuple(objects))


@dataclass(frozen=True)
class PackedTaus:
    """Packed features of n taus.

    Attributes:
        tau: float32 [n, features].
        grids: grid name -> filled cells.
    """

    tau: NDArray[np.float32]
    grids: Mapping[str, PackedGrid]

    def __len__(self) -> int:
        return len(self.tau)

    def take(self, rows: NDArray[np.int64]) -> PackedTaus:
        """Return the taus ``rows`` in that order (repeats allowed)."""
        return PackedTaus(self.tau[rows], {name: grid.take(rows) for name, grid in self.grids.items()})

    @classmethod
    def concatenate(cls, parts: Sequence[PackedTaus]) -> PackedTaus:
        """Return the taus of one or more parts of the same layout, in order."""
        if len(parts) == 1:
            return parts[0]
        grids = {}
        for name in parts[0].grids:
            pieces = [part.grids[name] for part in parts]
            grids[name] = PackedGrid(
                np.concatenate([piece.counts for piece in pieces]),
                np.concatenate([piece.position for piece in pieces]),
                np.concatenate([piece.present for piece in pieces]),
                np.concatenate([piece.shared for piece in pieces]),
                tuple(np.concatenate(values) for values in zip(*(piece.objects for piece in pieces), strict=True)),
            )
        return cls(np.concatenate([part.tau for part in parts]), grids)


def pack(taus: SparseTaus, layout: PackLayout) -> PackedTaus:
    """Return the packed form; :func:`unpack` gives back the same bits.

    Raises:
        InputError: if the layouts differ, or a cell's copy of the tau's own features is not that of the other cells.
    """
    if taus.layout != layout.layout:
        msg = f"taus with the layout {taus.layout} do not fit the feature table's {layout.layout}"
        raise InputError(msg)
    return PackedTaus(taus.tau, {name: _pack_grid(block, len(taus), layout, name) for name, block in taus.cells.items()})


def _pack_grid(block: CellBlock, num_taus: int, layout: PackLayout, grid: str) -> PackedGrid:
    counts = np.bincount(block.index[:, 0], minlength=num_taus).astype(np.int32)
    filled = _filled(block.values, list(layout.objects.values()))
    present = np.zeros(len(block), np.uint32)
    objects = []
    for number, (start, stop) in enumerate(layout.objects.values()):
        present |= filled[:, number].astype(np.uint32) << np.uint32(number)
        objects.append(block.values[filled[:, number], start:stop])
    shared = np.zeros((num_taus, layout.num_shared), np.float32)
    column = 0
    for name, spans in layout.shared.items():
        width = spans[0][1] - spans[0][0]
        own = shared[:, column : column + width]
        own[block.index[:, 0]] = block.values[:, slice(*spans[0])]
        expected = own[block.index[:, 0]].view(np.uint32)
        if any(not np.array_equal(block.values[:, slice(*span)].view(np.uint32), expected) for span in spans):
            msg = f"{grid} grid: the features of {name} differ between cells of a tau; they cannot be stored once per tau"
            raise InputError(msg)
        column += width
    return PackedGrid(counts, block.index[:, 1:].astype(np.uint8), present, shared, tuple(objects))


def _filled(values: NDArray[np.float32], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Return bool [m, spans]: whether any value in a span is not zero; -0.0 counts, so that it survives."""
    edges = sorted({edge for span in spans for edge in span if edge < values.shape[1]})
    filled = np.logical_or.reduceat(values.view(np.uint32) != 0, edges, axis=1)
    return filled[:, [edges.index(start) for start, _ in spans]]


def unpack(packed: PackedTaus, layout: PackLayout) -> SparseTaus:
    """Return the taus with full feature vectors for every filled cell."""
    cells = {name: _unpack_grid(grid, layout) for name, grid in packed.grids.items()}
    return SparseTaus(packed.tau, cells, layout.layout)


def _unpack_grid(grid: PackedGrid, layout: PackLayout) -> CellBlock:
    tau = np.repeat(np.arange(len(grid.counts), dtype=np.int32), grid.counts)
    values = np.zeros((len(tau), layout.layout.cell), np.float32)
    shared, column = grid.shared[tau], 0
    for spans in layout.shared.values():
        width = spans[0][1] - spans[0][0]
        for span in spans:
            values[:, slice(*span)] = shared[:, column : column + width]
        column += width
    for number, (start, stop) in enumerate(layout.objects.values()):
        values[grid.has(number), start:stop] = grid.objects[number]
    index = np.empty((len(tau), 3), np.int32)
    index[:, 0], index[:, 1:] = tau, grid.position
    return CellBlock(index, values)
