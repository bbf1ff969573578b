"""Axes of histograms as ROOT has them: their edges, and the bin of a value.

Formulas of ROOT's class TAxis (hist/hist/src/TAxis.cxx: GetBinLowEdge, FindFixBin; TMath::BinarySearch), all in double
precision. ``numpy.linspace`` and ``hist.axis.Regular`` round otherwise: with 98 bins from 20 to 1000 they put the values of
several edges into the bin below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from TauAdv.errors import InputError

__all__ = ["Axis", "FloatArray", "check_edges", "find_bins"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: edges are the same if they differ by at most this part of the narrower bin beside them
_TOLERANCE = 1e-9


def check_edges(edges: npt.ArrayLike) -> FloatArray:
    """Return the edges as float64.

    Raises:
        InputError: if there are fewer than two, or they do not rise, or they are not finite.
    """
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or array.size < 2 or not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        shown = array.tolist() if array.size <= 20 else f"{array.size} numbers: {_fault(array.ravel())}"
        msg = f"bin edges must be at least two finite, rising numbers; received {shown}"
        raise InputError(msg)
    return array


def _fault(edges: FloatArray) -> str:
    if (bad := np.flatnonzero(~np.isfinite(edges))).size:
        return f"edge {bad[0]} is {edges[bad[0]]}"
    falls = np.flatnonzero(np.diff(edges) <= 0)
    return f"{edges[falls[0]]} is followed by {edges[falls[0] + 1]}" if falls.size else "more than one dimension"


def find_bins(values: npt.ArrayLike, edges: npt.ArrayLike) -> IntArray:
    """Return ROOT's bin number of each value on an axis of any edges (see :meth:`Axis.find`)."""
    return np.searchsorted(np.asarray(edges, dtype=np.float64), np.asarray(values, dtype=np.float64), side="right")


@dataclass(frozen=True, eq=False)
class Axis:
    """Bins of one quantity.

    Attributes:
        edges: ``n + 1`` rising numbers.
        regular: whether ROOT knows only the number of bins and the two ends; it then computes the bin of a value.
    """

    edges: FloatArray
    regular: bool = False

    @classmethod
    def variable(cls, edges: npt.ArrayLike) -> Axis:
        """Return an axis with these edges.

        Raises:
            InputError: see :func:`check_edges`.
        """
        return cls(check_edges(edges))

    @classmethod
    def equal_bins(cls, bins: int, low: float, high: float) -> Axis:
        """Return an axis of equal bins.

        Raises:
            InputError: if there is no bin, or the ends are not finite or do not rise.
        """
        if bins < 1:
            msg = f"an axis needs at least one bin; received {bins} from {low} to {high}"
            raise InputError(msg)
        check_edges([low, high])
        edges = low + np.arange(bins + 1) * ((high - low) / bins)
        edges[-1] = high
        return cls(check_edges(edges), regular=True)

    @classmethod
    def of(cls, axis: Any) -> Axis:
        """Return the axis of a ``hist.Hist``."""
        if isinstance(axis, hist.axis.Regular) and axis.transform is None:
            return cls.equal_bins(len(axis), float(axis.edges[0]), float(axis.edges[-1]))
        return cls.variable(axis.edges)

    def __len__(self) -> int:
        """Return the number of bins, under- and overflow not counted."""
        return self.edges.size - 1

    def __str__(self) -> str:
        """Return the edges in words, shortened if there are many."""
        if self.regular:
            return f"{len(self)} equal bins from {float(self.edges[0])} to {float(self.edges[-1])}"
        shown = [repr(edge) for edge in self.edges.tolist()]
        return ", ".join(shown if len(shown) <= 20 else [*shown[:8], "...", *shown[-3:]])

    def find(self, values: npt.ArrayLike) -> IntArray:
        """Return ROOT's bin number of each value: 0 below the first edge, ``n + 1`` from the last edge on and for NaN.

        A value on an edge belongs to the bin above it, within the rounding of ROOT's own formula for equal bins.
        """
        if not self.regular:
            return find_bins(values, self.edges)
        value = np.asarray(values, dtype=np.float64)
        low, high, count = self.edges[0], self.edges[-1], len(self)
        inside = (value >= low) & (value < high)
        number = np.where(value < low, 0, count + 1)
        number[inside] = 1 + (count * (value[inside] - low) / (high - low)).astype(np.intp)
        return number

    def positions(self, edges: npt.ArrayLike) -> IntArray:
        """Return for each given edge the number of the own edge that it is (0 the first), -1 where it is none."""
        wanted = np.asarray(edges, dtype=np.float64)
        middles = (self.edges[:-1] + self.edges[1:]) / 2
        nearest = np.searchsorted(middles, wanted)
        width = np.pad(np.diff(self.edges), 1, constant_values=np.inf)
        narrower = np.minimum(width[:-1], width[1:])[nearest]
        return np.where(np.abs(self.edges[nearest] - wanted) <= _TOLERANCE * narrower, nearest, -1)

    def has_edges(self, edges: npt.ArrayLike) -> bool:
        """Return whether these are its edges, all of them."""
        wanted = np.asarray(edges)
        return wanted.size == self.edges.size and np.array_equal(self.positions(wanted), np.arange(wanted.size))

    def as_hist(self, **options: Any) -> Any:
        """Return the axis for a ``hist.Hist``; ``options`` are its name and label."""
        if self.regular:
            return hist.axis.Regular(len(self), self.edges[0], self.edges[-1], **options)
        return hist.axis.Variable(self.edges.tolist(), **options)

    def bin_name(self, number: int) -> str:
        """Return what messages call a bin."""
        if number == 0:
            return f"underflow (below {self.edges[0]:g})"
        if number > len(self):
            return f"overflow (from {self.edges[-1]:g})"
        return f"bin {number} ({self.edges[number - 1]:g} to {self.edges[number]:g})"

    def bin_names(self, numbers: Iterable[int]) -> str:
        """Return what messages call some bins."""
        return ", ".join(map(self.bin_name, numbers))
