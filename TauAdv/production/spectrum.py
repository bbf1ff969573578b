"""One-dimensional spectra with under- and overflow: fill, rebin, relative error.

Contents are arrays of ``len(edges) + 1`` float64 numbers: element 0 is the underflow, the last one the overflow, as the
bins of a ROOT histogram are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass

import hist
import numpy as np
import numpy.typing as npt

from TauAdv.errors import InputError
from TauAdv.tuples.histograms import to_hist

__all__ = ["EVENT_DROP_EDGES", "Spectrum", "check_edges", "check_weights", "find_bins"]

FloatArray = npt.NDArray[np.float64]

#: pt in GeV (DeepTau specification, section D)
EVENT_DROP_EDGES = (30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 80.0, 90.0, 100.0, 120.0, 140.0, 200.0, 400.0)


def check_edges(edges: npt.ArrayLike) -> FloatArray:
    """Return the edges as float64.

    Raises:
        InputError: if there are fewer than two, or they do not rise, or they are not finite.
    """
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or array.size < 2 or not np.isfinite(array).all() or not (np.diff(array) > 0).all():
        msg = f"bin edges must be at least two finite, rising numbers; received {array.tolist()}"
        raise InputError(msg)
    return array


def check_weights(weights: npt.ArrayLike) -> FloatArray:
    """Return event weights as float64.

    Raises:
        InputError: if one is not finite.
    """
    array = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(array).all():
        msg = f"{np.count_nonzero(~np.isfinite(array))} of {array.size} event weights are not finite"
        raise InputError(msg)
    return array


def find_bins(values: npt.ArrayLike, edges: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return ROOT's bin number of each value: 0 below the first edge, ``len(edges)`` from the last edge on and for NaN.

    A value on an edge belongs to the bin above it.
    """
    return np.searchsorted(np.asarray(edges, dtype=np.float64), np.asarray(values, dtype=np.float64), side="right")


@dataclass(frozen=True)
class Spectrum:
    """A histogram of one quantity.

    Attributes:
        edges: bin edges, ``n + 1`` numbers.
        contents: sums of weights with under- and overflow, ``n + 2`` numbers.
        variances: sums of squared weights with under- and overflow, ``n + 2`` numbers.
    """

    edges: FloatArray
    contents: FloatArray
    variances: FloatArray

    @classmethod
    def empty(cls, edges: npt.ArrayLike) -> Spectrum:
        """Return a spectrum without entries.

        Raises:
            InputError: if the edges are not rising, finite numbers.
        """
        checked = check_edges(edges)
        return cls(checked, np.zeros(checked.size + 1), np.zeros(checked.size + 1))

    @classmethod
    def from_hist(cls, histogram: hist.Hist) -> Spectrum:
        """Return the spectrum in a one-dimensional histogram; without variances of its own they are its contents."""
        contents = np.asarray(histogram.values(flow=True), dtype=np.float64)
        variances = histogram.variances(flow=True)
        own = np.abs(contents) if variances is None else np.asarray(variances, dtype=np.float64)
        return cls(check_edges(histogram.axes[0].edges), contents, own)

    def to_hist(self) -> hist.Hist:
        """Return it as a histogram, as :func:`TauAdv.tuples.histograms.write_histograms` takes it."""
        return to_hist(self.contents, self.edges.tolist(), variances=self.variances)

    @property
    def in_range(self) -> FloatArray:
        """Contents without under- and overflow."""
        return self.contents[1:-1]

    @property
    def relative_error(self) -> FloatArray:
        """Standard deviation over content of every bin; infinite for an empty bin."""
        filled = self.contents != 0
        error = np.full(self.contents.size, np.inf)
        error[filled] = np.sqrt(self.variances[filled]) / np.abs(self.contents[filled])
        return error

    def filled(self, values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Spectrum:
        """Return this spectrum with more entries.

        Args:
            values: the quantity, any number of entries.
            weights: weight of each entry; 1 if not given.

        Raises:
            InputError: if a weight is not finite.
        """
        bins = find_bins(values, self.edges)
        weight = np.ones(bins.size) if weights is None else check_weights(weights)
        size = self.contents.size
        return Spectrum(
            self.edges,
            self.contents + np.bincount(bins, weight, size),
            self.variances + np.bincount(bins, weight**2, size),
        )

    def scaled(self, factor: float) -> Spectrum:
        """Return this spectrum times a number."""
        return Spectrum(self.edges, self.contents * factor, self.variances * factor**2)

    def rebinned(self, edges: npt.ArrayLike) -> Spectrum:
        """Return this spectrum in coarser bins; what lies outside the new range joins the under- and overflow.

        Raises:
            InputError: if a new edge is not one of the old edges.
        """
        wanted = check_edges(edges)
        missing = sorted(set(wanted.tolist()) - set(self.edges.tolist()))
        if missing:
            msg = f"bins {self.edges.tolist()} cannot be summed into {wanted.tolist()}: no edge at {missing}"
            raise InputError(msg)
        # the lower edge of every old bin decides where it goes; old bin 0 has none and is always underflow
        targets = np.concatenate([[0], find_bins(self.edges, wanted)])
        contents, variances = np.zeros(wanted.size + 1), np.zeros(wanted.size + 1)
        np.add.at(contents, targets, self.contents)
        np.add.at(variances, targets, self.variances)
        return Spectrum(wanted, contents, variances)
