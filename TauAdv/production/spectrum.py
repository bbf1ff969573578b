"""Spectra with under- and overflow: fill, rebin, relative error.

Contents are arrays of ``len(edges) + 1`` float64 numbers: element 0 is the underflow, the last one the overflow, as the
bins of a ROOT histogram are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass

import hist
import numpy as np
import numpy.typing as npt

from TauAdv.errors import InputError
from TauAdv.tuples.axes import Axis, FloatArray, check_edges, find_bins
from TauAdv.tuples.histograms import Histogram, to_hist
from TauAdv.tuples.weights import check_event_weights

__all__ = ["EVENT_DROP_EDGES", "EtaPtSpectrum", "FloatArray", "Spectrum"]

#: pt in GeV (TauMLTools)
EVENT_DROP_EDGES = (30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 80.0, 90.0, 100.0, 120.0, 140.0, 200.0, 400.0)


def _finite(weights: npt.ArrayLike) -> FloatArray:
    return check_event_weights(weights, "event weights", allow_negative=True)


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
    def from_hist(cls, histogram: Histogram | hist.Hist) -> Spectrum:
        """Return the spectrum in a one-dimensional histogram; without variances of its own they are its contents."""
        contents = np.asarray(histogram.values(flow=True), dtype=np.float64)
        variances = histogram.variances(flow=True)
        own = np.abs(contents) if variances is None else np.asarray(variances, dtype=np.float64)
        return cls(check_edges(histogram.axes[0].edges), contents, own)

    def to_hist(self) -> hist.Hist:
        """Return it as a histogram, as :func:`TauAdv.tuples.histograms.write_histograms` takes it."""
        return to_hist(self.contents, self.edges.tolist(), variances=self.variances)

    def as_histogram(self, source: str) -> Histogram:
        """Return it as :func:`TauAdv.tuples.weights.check_contents` takes it; ``source`` is its name in messages."""
        return Histogram((Axis.variable(self.edges),), self.contents, self.variances, source)

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
        weight = np.ones(bins.size) if weights is None else _finite(weights)
        size = self.contents.size
        return Spectrum(
            self.edges,
            self.contents + np.bincount(bins, weight, size),
            self.variances + np.bincount(bins, weight**2, size),
        )

    def scaled(self, factor: float) -> Spectrum:
        """Return this spectrum times a number.

        Raises:
            InputError: if contents or variances become too large for a number, or zero.
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            scaled = Spectrum(self.edges, self.contents * factor, self.variances * np.square(np.float64(factor)))
        for before, after in ((self.contents, scaled.contents), (self.variances, scaled.variances)):
            if not np.isfinite(after).all() or ((before != 0) & (after == 0)).any():
                msg = f"times {factor:g}, contents of {before.max():g} or their variances have no number; take another scale"
                raise InputError(msg)
        return scaled

    def rebinned(self, edges: npt.ArrayLike) -> Spectrum:
        """Return this spectrum in coarser bins; what lies outside the new range joins the under- and overflow.

        Raises:
            InputError: if a new edge is not one of the old edges.
        """
        wanted = check_edges(edges)
        positions = Axis.variable(self.edges).positions(wanted)
        if (positions < 0).any():
            missing = wanted[positions < 0].tolist()
            msg = f"bins {self.edges.tolist()} cannot be summed into {wanted.tolist()}: no edge at {missing}"
            raise InputError(msg)
        # the lower edge of every old bin decides where it goes; old bin 0 has none and is always underflow
        targets = np.concatenate([[0], np.searchsorted(positions, np.arange(self.edges.size), side="right")])
        contents, variances = np.zeros(wanted.size + 1), np.zeros(wanted.size + 1)
        np.add.at(contents, targets, self.contents)
        np.add.at(variances, targets, self.variances)
        return Spectrum(wanted, contents, variances)


_ABS_ETA, _PT = Axis.equal_bins(25, 0.0, 2.5), Axis.equal_bins(98, 20.0, 1000.0)


@dataclass(frozen=True)
class EtaPtSpectrum:
    """A spectrum in |eta| (25 bins to 2.5) and pt (98 bins from 20 to 1000 GeV; TauMLTools).

    Attributes:
        contents: sums of weights with under- and overflow, [27, 100].
        variances: sums of squared weights, of the same shape.
    """

    contents: FloatArray
    variances: FloatArray

    @classmethod
    def empty(cls) -> EtaPtSpectrum:
        """Return a spectrum without entries."""
        shape = len(_ABS_ETA) + 2, len(_PT) + 2
        return cls(np.zeros(shape), np.zeros(shape))

    def filled(self, eta: npt.ArrayLike, pt: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> EtaPtSpectrum:
        """Return this spectrum with more taus; the weight of each is 1 if not given.

        Raises:
            InputError: if a weight is not finite.
        """
        bins = _ABS_ETA.find(np.abs(np.asarray(eta))) * self.contents.shape[1] + _PT.find(pt)
        weight = np.ones(bins.size) if weights is None else _finite(weights)
        sums, squares = (
            np.bincount(bins, values, self.contents.size).reshape(self.contents.shape) for values in (weight, weight**2)
        )
        return EtaPtSpectrum(self.contents + sums, self.variances + squares)

    def to_hist(self) -> hist.Hist:
        """Return it as a histogram, as :func:`TauAdv.tuples.histograms.write_histograms` takes it."""
        return to_hist(self.contents, _ABS_ETA, _PT, variances=self.variances)
