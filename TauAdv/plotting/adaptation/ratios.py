"""Data/MC against the score, of all runs in one plot; several trainings of one entry are a line with a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, cast

import hist
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.ratios import choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import Drawn, add_legend_beside, label_figure, style

__all__ = ["plot_ratios"]

_WIDEST = 12  # bins that can be told apart with the bars of several runs


def plot_ratios(histograms: Mapping[str, Sequence[hist.Hist]], contributions: Sequence[Drawn], *, title: str = "") -> Figure:
    """Return data/MC of every entry: the mean of its trainings, statistical errors, and the spread of trainings as a band.

    Args:
        histograms: label of an entry -> (contribution, value) of each of its trainings, in the same bins.
        contributions: what the histograms hold.
        title: text above the plot.
    """
    colors, known = run_colors(list(histograms)), []
    with style():
        figure, axes = pyplot.subplots(figsize=(10, 6))
        axes.axhline(1, color="0.4", lw=1, ls="--")
        for number, (label, found) in enumerate(histograms.items()):
            merged = [_merged(each) for each in found]
            ratios, errors = (np.stack(each) for each in zip(*(_ratio(each, contributions) for each in merged), strict=True))
            mean, error, edges = ratios.mean(axis=0), errors.mean(axis=0), merged[0].axes[1].edges
            x = merged[0].axes[1].centers + np.diff(edges) * 0.6 * ((number + 0.5) / len(histograms) - 0.5)
            if len(found) > 1:
                spread = ratios.std(axis=0, ddof=1)
                axes.stairs(mean + spread, edges, baseline=mean - spread, fill=True, color=colors[label], alpha=0.25, lw=0)
            axes.stairs(mean, edges, baseline=None, color=colors[label], lw=1, alpha=0.5)
            name = f"{label} ({len(found)} trainings)" if len(found) > 1 else label
            axes.errorbar(x, mean, error, fmt="o", markersize=4, elinewidth=1.2, color=colors[label], label=name)
            known.append(mean[error < 0.5])
        set_ratio_range(axes, choose_ratio_range(np.concatenate(known)))
        for label, found in histograms.items():
            merged = [_merged(each) for each in found]
            mean = np.mean([_ratio(each, contributions)[0] for each in merged], axis=0)
            mark_outside(axes, merged[0].axes[1].centers, mean, colors[label])
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(merged[0].axes[1].label)
        axes.set_ylabel("Data / MC")
        add_legend_beside(axes)
        label_figure(axes, title)
    return figure


def _merged(histogram: hist.Hist) -> Any:
    """Return a histogram with so few bins that the bars of several runs can be told apart."""
    size = len(histogram.axes[1])
    together = next(number for number in range(max(1, -(-size // _WIDEST)), size + 1) if size % number == 0)
    return histogram[:, :: hist.rebin(together)]


def _ratio(histogram: Any, contributions: Sequence[Drawn]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return data/MC and its statistical error; NaN without simulation."""
    (points,) = [entry.name for entry in contributions if entry.data]
    data = histogram[points, :]
    mc = reduce(add, (cast(hist.Hist, histogram[entry.name, :]) for entry in contributions if not entry.data))
    values, variances = mc.values(), np.asarray(mc.variances())
    nothing = np.full_like(values, np.nan)
    ratio = np.divide(data.values(), values, out=nothing.copy(), where=values > 0)
    relative = np.sqrt(
        np.divide(1.0, data.values(), out=np.ones_like(values), where=data.values() > 0)
        + np.divide(variances, values**2, out=nothing.copy(), where=values > 0)
    )
    return ratio, np.where(ratio > 0, ratio, 1 / np.where(values > 0, values, np.nan)) * relative
