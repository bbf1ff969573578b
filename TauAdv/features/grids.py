"""Geometry of the grids around the tau axis: cells, cones, and which object fills a cell (all in float64)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.features.expressions import delta_phi

__all__ = ["cell_centre", "cell_index", "cell_position", "highest_pt", "offsets_from_axis"]


def offsets_from_axis(
    eta: ArrayLike, phi: ArrayLike, axis_eta: ArrayLike, axis_phi: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (delta eta, delta phi, delta R) of objects from an axis; delta phi is wrapped once into (-pi, pi]."""
    eta64, phi64, axis_eta64, axis_phi64 = (np.asarray(x, np.float64) for x in (eta, phi, axis_eta, axis_phi))
    deta = eta64 - axis_eta64
    dphi = delta_phi(phi64, axis_phi64)
    return deta, dphi, np.hypot(deta, dphi)


def cell_index(offset: ArrayLike, cells: int, cell_size: float) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return whether offsets are on a grid, and their signed cell index (arXiv:2201.08458, CMSSW).

    An odd number of cells has cell 0 centred on the axis; an even one has the axis between cells -1 and 0. The index is 0
    where the offset is not on the grid. An offset of exactly half the width gets an index one beyond the last cell, as in
    the reference (with an even number only on the positive side): callers that store cells must drop it.

    Args:
        offset: distance from the axis in eta or phi (radians).
        cells: number of cells along this side.
        cell_size: width of a cell.
    """
    x = np.asarray(offset, np.float64)
    on_grid = np.abs(x) <= cells * cell_size / 2
    index = np.copysign(np.floor(np.abs(x) / cell_size + 0.5), x) if cells % 2 else np.floor(x / cell_size)
    return on_grid, np.where(on_grid, index, 0).astype(np.int64)


def cell_position(offset: ArrayLike, cells: int, cell_size: float) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return whether offsets are in a cell, and its array position: 0 (most negative offset) to cells - 1."""
    on_grid, index = cell_index(offset, cells, cell_size)
    position = index + cells // 2
    return on_grid & (position >= 0) & (position < cells), position


def cell_centre(index: ArrayLike, cells: int, cell_size: float) -> NDArray[np.float64]:
    """Return the offset from the axis of the middle of the cell with this signed index."""
    return (np.asarray(index, np.float64) + (0.0 if cells % 2 else 0.5)) * cell_size


def highest_pt(cell: NDArray[np.int64], pt: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the position of the object with the highest pt in every cell, by rising cell number.

    Of several with the same pt the first one counts; NaN counts as lowest.
    """
    order = np.lexsort((-pt, cell))
    in_order = cell[order]
    first = np.ones(len(order), bool)
    first[1:] = in_order[1:] != in_order[:-1]
    return order[first]
