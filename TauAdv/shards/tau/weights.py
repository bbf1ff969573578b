"""Weights of taus: spectrum weights of the classification set, pT weights of the adversarial set.

Both follow TauMLTools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from TauAdv.config import Settings
from TauAdv.domain.contributions.contribution import check_dataset_ids
from TauAdv.errors import InputError
from TauAdv.tuples.axes import Axis, find_bins
from TauAdv.tuples.histograms import Histogram, read_th1, read_th2
from TauAdv.tuples.weights import check_contents, check_finite

__all__ = ["PtWeights", "SpectrumWeights", "WeightBins", "spectrum_ratio"]

_UNIFORM_ABS_ETA = Axis.equal_bins(25, 0.0, 2.5)
_UNIFORM_PT = Axis.equal_bins(98, 20.0, 1000.0)


def _default_abs_eta(pt_edges: Sequence[float]) -> list[list[float]]:
    fine = [i / 10 for i in range(26)]
    middle = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 1.8, 2.1, 2.5]
    coarse = [0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.5]
    return [fine if low < 300 else middle if low < 500 else coarse for low in pt_edges[:-1]]


_DEFAULT_PT = [20.0 + 10 * i for i in range(19)] + [250.0, 300.0, 350.0, 400.0, 450.0, 500.0, 600.0, 700.0, 1000.0]


class WeightBins(Settings):
    """Bins in which target and input spectra are compared.

    Attributes:
        pt: edges in GeV.
        abs_eta: one list of |eta| edges for all pt bins, or one list per pt bin.
    """

    pt: list[float] = _DEFAULT_PT
    abs_eta: list[float] | list[list[float]] = _default_abs_eta(_DEFAULT_PT)

    @model_validator(mode="after")
    def _check(self) -> WeightBins:
        rows = self.abs_eta_rows()
        if len(rows) != len(self.pt) - 1:
            msg = f"abs_eta: expected one list of edges, or {len(self.pt) - 1} (one per pt bin), received {len(rows)}"
            raise ValueError(msg)
        for name, edges in [("pt", self.pt), *(("abs_eta", row) for row in rows)]:
            if len(edges) < 2 or np.any(np.diff(edges) <= 0):
                msg = f"{name}: expected two or more rising edges, received {list(edges)}"
                raise ValueError(msg)
        return self

    def abs_eta_rows(self) -> list[list[float]]:
        """Return the |eta| edges of each pt bin."""
        first = self.abs_eta[0] if self.abs_eta else None
        return [self.abs_eta] * (len(self.pt) - 1) if not isinstance(first, list) else self.abs_eta  # type: ignore[list-item, return-value]


def _within(axis: Axis, values: ArrayLike) -> NDArray[np.bool_]:
    return (np.asarray(values) >= axis.edges[0]) & (np.asarray(values) < axis.edges[-1])


def _centres(axis: Axis) -> NDArray[np.float64]:
    return (axis.edges[:-1] + axis.edges[1:]) / 2


def _coarse_index(bins: WeightBins, abs_eta: Axis, pt: Axis) -> NDArray[np.int64]:
    """Return [len(abs_eta), len(pt)]: the running number of the bin that holds the centre of each fine bin, -1 outside."""
    result = np.full((len(abs_eta), len(pt)), -1)
    first = np.cumsum([0] + [len(row) - 1 for row in bins.abs_eta_rows()])
    pt_bin = find_bins(_centres(pt), bins.pt) - 1
    for number, edges in enumerate(bins.abs_eta_rows()):
        eta_bin = find_bins(_centres(abs_eta), edges) - 1
        inside = (eta_bin >= 0) & (eta_bin < len(edges) - 1)
        result[np.ix_(inside, pt_bin == number)] = (first[number] + eta_bin[inside])[:, None]
    return result


def _rebinned(histogram: Histogram, bins: WeightBins, source: str, allow_negative: bool) -> NDArray[np.float64]:
    """Return the sum of a TH2's fine bins in each of ``bins``, a fine bin counting where its centre lies.

    A sum below 0 counts as an empty bin.
    """
    abs_eta, pt = histogram.axes
    _check_edges(abs_eta, pt, bins, source)
    check_contents(histogram, allow_negative=allow_negative)
    index = _coarse_index(bins, abs_eta, pt)
    total = np.zeros(sum(len(row) - 1 for row in bins.abs_eta_rows()))
    inside = index >= 0
    np.add.at(total, index[inside], histogram.values()[inside])
    if not total.any():
        msg = f"{source}: all bins are empty; was it filled?"
        raise InputError(msg)
    return np.maximum(total, 0)


def _check_edges(abs_eta: Axis, pt: Axis, bins: WeightBins, source: str) -> None:
    wanted = [("|eta|", abs_eta, sorted({edge for row in bins.abs_eta_rows() for edge in row})), ("pt", pt, bins.pt)]
    for name, axis, coarse in wanted:
        within = [edge for edge in coarse if axis.edges[0] < edge < axis.edges[-1]]
        apart = [edge for edge, at in zip(within, axis.positions(within), strict=True) if at < 0]
        if apart:
            msg = (
                f"{source}: its {name} axis has no bin edge at {apart}; use weight_bins that match its binning, or remake it"
            )
            raise InputError(msg)


def spectrum_ratio(
    target: Histogram,
    observed: Histogram,
    bins: WeightBins,
    source: str = "spectra",
    *,
    allow_negative: bool = False,
) -> NDArray[np.float64]:
    """Return target / input as a uniform histogram, float64 [25, 98] over |eta| 0-2.5 and pt 20-1000 GeV.

    Fine bins are summed by their centre into ``bins``, divided (0 where the input is empty) and looked up again at the
    centres of the uniform bins.

    Args:
        target: TH2 as :func:`read_th2` returns it, x = |eta|, y = pt.
        observed: the same of the set that is to be weighted.
        bins: where the ratio is taken.
        source: names the histograms in errors.
        allow_negative: take negative fine bins; a bin of ``bins`` whose sum is negative counts as empty.

    Raises:
        InputError: if a histogram is empty, its bins do not fit into ``bins``, or its contents are no weights.
    """
    above = _rebinned(target, bins, f"target of {source}", allow_negative)
    below = _rebinned(observed, bins, f"input of {source}", allow_negative)
    ratio = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    index = _coarse_index(bins, _UNIFORM_ABS_ETA, _UNIFORM_PT)
    return np.where(index >= 0, ratio[index], 0.0)


@dataclass(frozen=True)
class SpectrumWeights:
    """Weights that give every class the (pt, |eta|) spectrum of the target's taus.

    Attributes:
        ratio: class -> float64 [25, 98], see :func:`spectrum_ratio`.
    """

    ratio: Mapping[str, NDArray[np.float64]]

    @classmethod
    def from_files(
        cls,
        input_spectrum: Path | str,
        target_spectrum: Path | str,
        classes: Sequence[str],
        bins: WeightBins | None = None,
        *,
        threshold: float = 1e5,
        empty_bins: Literal["refuse", "drop"] = "refuse",
        allow_negative: bool = False,
    ) -> SpectrumWeights:
        """Build the weights from two files with the TH2D ``eta_pt_hist_{class}``.

        Args:
            input_spectrum: file whose spectra are those of the set.
            target_spectrum: file whose tau spectrum every class gets.
            classes: classes to prepare.
            bins: bins of the comparison.
            threshold: largest allowed ratio of two weights of a class.
            empty_bins: ``refuse`` takes empty bins into that ratio (so any is refused); ``drop`` gives them weight 0.
            allow_negative: see :func:`spectrum_ratio`.

        Raises:
            InputError: if a histogram is missing, empty, of other binning or no weights, or the weights spread too far.
        """
        bins = bins or WeightBins()
        target = read_th2(target_spectrum, "eta_pt_hist_tau")
        ratio = {}
        for name in classes:
            key = f"eta_pt_hist_{name}"
            source = f"{input_spectrum}: {key}"
            ratio[name] = spectrum_ratio(target, read_th2(input_spectrum, key), bins, source, allow_negative=allow_negative)
            _check_spread(ratio[name], threshold, empty_bins, f"{input_spectrum}: {key} against {target_spectrum}")
        return cls(ratio)

    def empty_fraction(self) -> dict[str, float]:
        """Return class -> fraction of uniform bins with weight 0."""
        return {name: float((ratio == 0).mean()) for name, ratio in self.ratio.items()}

    def within(self, name: str, pt: ArrayLike, eta: ArrayLike) -> NDArray[np.bool_]:
        """Return which taus lie within the bins of a class."""
        return _within(_UNIFORM_PT, pt) & _within(_UNIFORM_ABS_ETA, np.abs(eta))

    def __call__(self, name: str, pt: ArrayLike, eta: ArrayLike) -> NDArray[np.float32]:
        """Return float32 [n], the weights of taus of one class; 0 outside of the histogram.

        Raises:
            InputError: if a pt or eta is not finite.
        """
        pt, eta = check_finite(pt, "tau_pt"), check_finite(eta, "tau_eta")
        x = _UNIFORM_ABS_ETA.find(np.abs(eta))
        padded = np.pad(self.ratio[name], 1)
        return padded[x, _UNIFORM_PT.find(pt)].astype(np.float32)


def _check_spread(ratio: NDArray[np.float64], threshold: float, empty_bins: str, source: str) -> None:
    fine = Histogram((_UNIFORM_ABS_ETA, _UNIFORM_PT), np.pad(ratio, 1), None, f"weights of {source}")
    check_contents(fine, single_precision=True)
    filled = ratio[ratio > 0]
    if len(filled) == 0:
        msg = f"{source}: no bin is filled in both; the weights would all be 0"
        raise InputError(msg)
    empty = int((ratio == 0).sum())
    if empty and empty_bins == "refuse":
        msg = (
            f"{source}: {empty} of {ratio.size} bins would get weight 0 (maximum over minimum weight is infinite, allowed "
            f"{threshold:g}); use coarser weight_bins, or empty_bins: drop"
        )
        raise InputError(msg)
    spread = filled.max() / filled.min()
    if spread > threshold:
        msg = f"{source}: maximum over minimum weight is {spread:.3g}, allowed {threshold:g}; use coarser weight_bins"
        raise InputError(msg)


@dataclass(frozen=True)
class PtWeights:
    """Weights by contribution and pt of the adversarial set.

    Attributes:
        axes: dataset id -> bins in GeV.
        values: dataset id -> weight per bin, with the underflow first and the overflow last.
        names: dataset id -> key of the histogram.
        negative_bins: dataset id -> number of bins with a negative weight.
    """

    axes: Mapping[int, Axis]
    values: Mapping[int, NDArray[np.float64]]
    names: Mapping[int, str]
    negative_bins: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path | str, contributions: Mapping[int, str], *, allow_negative: bool = False) -> PtWeights:
        """Read the TH1D of every contribution (dataset id -> key); ``allow_negative`` takes negative contents as they are.

        Raises:
            InputError: if one is missing, or has contents that are no weights.
        """
        found = {number: read_th1(path, key) for number, key in contributions.items()}
        axes = {number: histogram.axes[0] for number, histogram in found.items()}
        values = {number: histogram.contents for number, histogram in found.items()}
        options = {"allow_negative": allow_negative, "single_precision": True}
        negative = {number: check_contents(histogram, **options) for number, histogram in found.items()}
        return cls(axes, values, dict(contributions), negative)

    def within(self, name: str, pt: ArrayLike, eta: ArrayLike) -> NDArray[np.bool_]:
        """Return which taus lie within the bins of a contribution, whatever their eta."""
        numbers = {key: number for number, key in self.names.items()}
        return _within(self.axes[numbers[name]], pt)

    def __call__(self, dataset_id: ArrayLike, pt: ArrayLike) -> NDArray[np.float32]:
        """Return float32 [n], the content of each tau's histogram at its pt, under- and overflow included.

        Raises:
            InputError: if a dataset id has no histogram, or a pt is not finite.
        """
        dataset_id, pt = np.asarray(dataset_id), check_finite(pt, "tau_pt")
        check_dataset_ids(dataset_id, self.names)
        weight = np.zeros(len(pt), np.float32)
        for number in np.unique(dataset_id).tolist():
            chosen = dataset_id == number
            weight[chosen] = self.values[number][self.axes[number].find(pt[chosen])]
        return weight
