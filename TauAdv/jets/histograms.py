"""Histograms of extracted jets per flavour, filled a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

import hist
import numpy as np
from numpy.typing import NDArray

from TauAdv.jets.cleaning import is_default
from TauAdv.jets.columns import Jets
from TauAdv.jets.defaults import fixed_defaults
from TauAdv.jets.moments import Moments
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.sample_weights import Spectra, Weighting, binning
from TauAdv.jets.schema import Column

__all__ = [
    "axis_label",
    "column_histogram",
    "column_label",
    "column_moments",
    "fill_histograms",
    "jet_spectra",
    "scaled_histogram",
    "spectrum_histograms",
]


def axis_label(column: Column) -> str:
    """Return label and unit of a column."""
    unit = f" [{column.variable.unit}]" if column.variable.unit else ""
    return f"{column_label(column)}{unit}"


def column_label(column: Column) -> str:
    """Return the label of a column, with the track counted as in words: ``track_0_D0`` is of the 1st track."""
    if column.track is None:
        return column.variable.label
    number = column.track + 1
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{column.variable.label}, {number}{ending} track"


def column_moments(extracted: ExtractedJets, columns: Sequence[Column]) -> Moments:
    """Return the moments of columns of all jets, fixed defaults and what is not finite left out."""
    default = fixed_defaults(columns)
    blocks = (np.stack([jets[column.name] for column in columns], axis=1) for jets in extracted.iterate(step_size=4096))
    return reduce(add, (Moments.of(values, ~is_default(values, default)) for values in blocks))


def column_histogram(
    column: Column, classes: Sequence[str], bins: int = 50, value_range: tuple[float, float] = (0, 1)
) -> hist.Hist:
    """Return an empty histogram with the axes ``flavour`` and the column; counts get a bin of width 1 each."""
    low, high = value_range
    if column.variable.integer:
        low, high = np.floor(low) - 0.5, np.ceil(high) + 0.5
        bins = round(high - low)
    flavours = hist.axis.StrCategory(classes, name="flavour")
    return hist.Hist(flavours, hist.axis.Regular(bins, low, high, name=column.name, label=axis_label(column)))


def fill_histograms(extracted: ExtractedJets, names: Iterable[str], bins: int = 50) -> dict[str, hist.Hist]:
    """Return a histogram of each column by name; what is absent is left out.

    The range is that of the table of jet variables, else mean +- 4 spreads within the smallest and largest value.

    Args:
        extracted: jets.
        names: of columns.
        bins: of columns that are not counts.
    """
    columns = [extracted.table.column(name) for name in names]
    moments = column_moments(extracted, columns)
    classes = extracted.table.class_names
    ranges = [_range(column, moments, number) for number, column in enumerate(columns)]
    filled = [column_histogram(column, classes, bins, each) for column, each in zip(columns, ranges, strict=True)]
    default = fixed_defaults(columns)
    for jets in extracted.iterate():
        flavour = _flavour_names(extracted, jets)
        values = np.stack([jets[column.name] for column in columns], axis=1)
        present = ~is_default(values, default)
        for number, histogram in enumerate(filled):
            chosen = present[:, number]
            histogram.fill(flavour[chosen], values[chosen, number])
    return {column.name: histogram for column, histogram in zip(columns, filled, strict=True)}


def _range(column: Column, moments: Moments, number: int) -> tuple[float, float]:
    if column.variable.range is not None:
        return column.variable.range
    if moments.count[number] == 0:
        return (0.0, 1.0)
    spread = 4 * float(np.sqrt(moments.variance[number])) or 0.5
    mean = float(moments.mean[number])
    if moments.constant[number]:
        return mean - spread, mean + spread
    low, high = max(mean - spread, float(moments.minimum[number])), min(mean + spread, float(moments.maximum[number]))
    margin = (high - low) / 50  # smallest and largest value are inside
    return low - margin, high + margin


def _flavour_names(extracted: ExtractedJets, jets: Jets) -> NDArray[np.str_]:
    return np.array(extracted.table.class_names)[extracted.table.labels(jets.flavor)]


def jet_spectra(extracted: ExtractedJets, weighting: Weighting) -> Spectra:
    """Return the (eta, pt) spectra of all jets in the bins of a method of weights."""
    bins, table = binning(weighting), extracted.table
    blocks = (
        Spectra.of(bins, len(table.flavours), table.labels(jets.flavor), jets["jet_eta"], jets["jet_pt"])
        for jets in extracted.iterate()
    )
    return reduce(add, blocks)


def spectrum_histograms(spectra: Spectra, classes: Sequence[str], *, weighted: bool) -> tuple[hist.Hist, hist.Hist]:
    """Return the spectra in pt and in eta, as they are or with sample weights; sums of weights and of squared weights."""
    weights = spectra.weights() if weighted else np.ones_like(spectra.counts, np.float64)
    # a bin without jets has no weight: nothing is known there
    content, squares = (np.where(spectra.counts > 0, spectra.counts * weights**power, 0.0) for power in (1, 2))
    by_bin, squares = (values.reshape(len(classes), *spectra.bins.shape) for values in (content, squares))
    labels = {"pt": "jet $p_T$ [GeV]", "eta": r"jet $\eta$"}
    histograms = []
    for name, axis in (("pt", 1), ("eta", 2)):
        edges = spectra.bins.pt if name == "pt" else spectra.bins.eta
        flavours = hist.axis.StrCategory(classes, name="flavour")
        histogram: hist.Hist = hist.Hist(
            flavours,
            hist.axis.Variable(edges, name=f"jet_{name}", label=labels[name] + (", weighted" if weighted else "")),
            storage=hist.storage.Weight(),
        )
        view: Any = histogram.view()
        view.value, view.variance = by_bin.sum(axis=axis), squares.sum(axis=axis)
        histograms.append(histogram)
    return histograms[0], histograms[1]


def scaled_histogram(
    column: Column, classes: Sequence[str], label: NDArray, x: NDArray, value_range: tuple[float, float] = (-5, 5)
) -> hist.Hist:
    """Return a histogram of one scaled input, defaults included, per class; values outside are in the nearest bin.

    Args:
        column: of the input.
        classes: names of the classes.
        label: number of the class of each jet [n].
        x: the input of each jet [n].
        value_range: of the axis.
    """
    low, high = value_range
    axis = hist.axis.Regular(25, low, high, name=column.name, label=f"{column_label(column)} (scaled)")
    histogram: hist.Hist = hist.Hist(hist.axis.StrCategory(classes, name="flavour"), axis)
    inside = np.clip(x, low, np.nextafter(np.float32(high), np.float32(low)))
    return histogram.fill(np.array(classes)[label], inside)
