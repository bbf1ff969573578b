"""Features of taus with only the filled grid cells: what extraction emits, shards store and networks read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError

__all__ = ["CellBlock", "Layout", "SparseTaus"]


@dataclass(frozen=True)
class Layout:
    """Sizes that the arrays of a :class:`SparseTaus` have.

    Attributes:
        tau: number of flat features of a tau.
        grids: name of each grid -> cells along one side.
        tensors: name of each grid tensor -> (start, stop) of its features in the feature vector of a cell.
    """

    tau: int
    grids: Mapping[str, int]
    tensors: Mapping[str, tuple[int, int]]

    @property
    def cell(self) -> int:
        """Length of the feature vector of a cell: all tensors one after the other."""
        return max((stop for _, stop in self.tensors.values()), default=0)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the dense shape for one tau of every tensor: ``tau``, then ``{grid}_{tensor}``."""
        grid_shapes = {
            f"{grid}_{tensor}": (side, side, stop - start)
            for grid, side in self.grids.items()
            for tensor, (start, stop) in self.tensors.items()
        }
        return {"tau": (self.tau,), **grid_shapes}


@dataclass(frozen=True)
class CellBlock:
    """Filled cells of one grid.

    Attributes:
        index: int32 [m, 3], (tau row, eta cell, phi cell), sorted by tau, then eta, then phi.
        values: float32 [m, features], scaled.
    """

    index: NDArray[np.int32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.index)

    def offsets(self, num_taus: int) -> NDArray[np.int64]:
        """Return int64 [num_taus + 1]: the cells of tau i are rows offsets[i] to offsets[i+1]."""
        return np.searchsorted(self.index[:, 0], np.arange(num_taus + 1)).astype(np.int64)

    def take(self, rows: NDArray[np.int64], num_taus: int) -> CellBlock:
        """Return the cells of the taus ``rows``, renumbered from 0 in that order (repeats allowed)."""
        offsets = self.offsets(num_taus)
        starts = offsets[rows]
        counts = offsets[rows + 1] - starts
        first = np.cumsum(counts) - counts
        source = np.arange(counts.sum()) + np.repeat(starts - first, counts)
        index = self.index[source]
        index[:, 0] = np.repeat(np.arange(len(rows)), counts)
        return CellBlock(index, self.values[source])


@dataclass(frozen=True)
class SparseTaus:
    """Scaled features of n taus: flat features, and the filled cells of every grid.

    Attributes:
        tau: float32 [n, tau features].
        cells: grid name -> filled cells; a cell that is not listed is all zeros.
        layout: sizes and tensor positions.
        nonfinite: ``block/feature`` -> number of values that were not finite after scaling and became 0.
    """

    tau: NDArray[np.float32]
    cells: Mapping[str, CellBlock]
    layout: Layout
    nonfinite: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected = {"tau": (len(self.tau), self.layout.tau)}
        received = {"tau": self.tau.shape}
        for name in self.layout.grids:
            block = self.cells[name]
            expected |= {f"{name} index": (len(block), 3), f"{name} values": (len(block), self.layout.cell)}
            received |= {f"{name} index": block.index.shape, f"{name} values": block.values.shape}
        if wrong := [name for name, shape in expected.items() if shape != received[name]]:
            msg = "; ".join(f"{name}: expected shape {expected[name]}, received {received[name]}" for name in wrong)
            raise InputError(msg)

    def __len__(self) -> int:
        return len(self.tau)

    @classmethod
    def empty(cls, layout: Layout) -> SparseTaus:
        """Return zero taus with the right shapes."""
        return cls(
            tau=np.zeros((0, layout.tau), np.float32),
            cells={
                name: CellBlock(np.zeros((0, 3), np.int32), np.zeros((0, layout.cell), np.float32)) for name in layout.grids
            },
            layout=layout,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[SparseTaus]) -> SparseTaus:
        """Return the taus of all parts, in order.

        Raises:
            InputError: if there are no parts, or parts of different layout.
        """
        if not parts or any(part.layout != parts[0].layout for part in parts):
            msg = f"concatenate: expected one or more parts of the same layout, received {len(parts)} parts"
            raise InputError(msg)
        starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
        cells = {}
        for name in parts[0].layout.grids:
            index = np.concatenate([part.cells[name].index for part in parts])
            index[:, 0] += np.repeat(starts, [len(part.cells[name]) for part in parts]).astype(np.int32)
            cells[name] = CellBlock(index, np.concatenate([part.cells[name].values for part in parts]))
        counts: Counter[str] = Counter()
        for part in parts:
            counts.update(part.nonfinite)
        return cls(np.concatenate([part.tau for part in parts]), cells, parts[0].layout, dict(counts))

    def take(self, rows: ArrayLike | slice) -> SparseTaus:
        """Return the taus at ``rows``: integers (negative and repeated allowed), a boolean mask [n], or a slice.

        ``nonfinite`` is a count over the whole extraction and is not carried over.
        """
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = rows.astype(np.int64) if rows.size == 0 else rows
        chosen = np.arange(len(self))[rows]
        cells = {name: block.take(chosen, len(self)) for name, block in self.cells.items()}
        return SparseTaus(self.tau[chosen], cells, self.layout)

    def dense(self, tensor: str) -> NDArray[np.float32]:
        """Return one tensor with its empty cells.

        Args:
            tensor: ``tau`` [n, features]; ``{grid}_{tensor}`` such as ``inner_egamma`` [n, eta, phi, features]; or the
                name of a grid for all of its tensors one after the other.

        Raises:
            InputError: if there is no such tensor.
        """
        if tensor == "tau":
            return self.tau
        grid, _, part = tensor.partition("_")
        if grid not in self.layout.grids or (part and part not in self.layout.tensors):
            msg = f"no tensor '{tensor}': expected one of {', '.join([*self.layout.shapes(), *self.layout.grids])}"
            raise InputError(msg)
        start, stop = self.layout.tensors[part] if part else (0, self.layout.cell)
        side = self.layout.grids[grid]
        result = np.zeros((len(self), side, side, stop - start), np.float32)
        block = self.cells[grid]
        result[tuple(block.index.T)] = block.values[:, start:stop]
        return result

    @classmethod
    def from_dense(cls, tensors: Mapping[str, NDArray[np.float32]], layout: Layout) -> SparseTaus:
        """Return the taus of dense tensors under the names of :meth:`Layout.shapes`; all-zero cells are left out."""
        cells = {}
        for grid in layout.grids:
            full = np.concatenate([tensors[f"{grid}_{tensor}"] for tensor in layout.tensors], axis=-1)
            index = np.argwhere((full != 0).any(axis=-1))
            cells[grid] = CellBlock(index.astype(np.int32), full[tuple(index.T)].astype(np.float32))
        return cls(np.asarray(tensors["tau"], np.float32), cells, layout)

    def as_inputs(self) -> dict[str, NDArray[np.float32] | NDArray[np.int32]]:
        """Return the arrays under the names of a network's inputs: tau, {grid}_index, {grid}_cells."""
        inputs: dict[str, NDArray[np.float32] | NDArray[np.int32]] = {"tau": self.tau}
        for name, block in self.cells.items():
            inputs[f"{name}_index"] = block.index
            inputs[f"{name}_cells"] = block.values
        return inputs
