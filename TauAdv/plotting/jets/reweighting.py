"""Spectra of the flavours before and after sample weights, and how equal they are."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TauAdv.domain.classes import class_colors
from TauAdv.plotting.jets.flavours import draw_flavours, normalised
from TauAdv.plotting.ratios import choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import add_legend, fit_label, style

__all__ = ["plot_reweighting"]

_SMALL: dict[Any, Any] = {
    "font.size": 13,
    "axes.labelsize": 13,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 12,
}


def plot_reweighting(before: hist.Hist, after: hist.Hist, *, title: str = "", log: bool = False) -> Figure:
    """Return spectra without (left) and with weights (right), and below each their ratio to the mean of the flavours.

    Weights close where the ratios on the right are 1. Bins that not every flavour has jets in, and which weights cannot mend
    therefore, have no ratio. The range of the ratios holds all that are known to 50 %; arrows at
    its edges stand for ratios outside.

    Args:
        before: axes (flavour, value), weighted storage.
        after: the same with weights.
        title: text above the right panel.
        log: logarithmic vertical axes.
    """
    with style(), pyplot.rc_context(_SMALL):
        figure, panels = pyplot.subplots(
            2, 2, figsize=(11, 6), sharex="col", gridspec_kw={"height_ratios": (3, 1.3), "hspace": 0.08, "wspace": 0.3}
        )
        for (main, ratio), histogram in zip(panels.T, (before, after), strict=True):
            draw_flavours(main, histogram, log=log)
            label = main.get_xlabel()
            main.set_xlabel("")
            _draw_ratios(ratio, histogram)
            filled = np.flatnonzero(histogram.values().any(axis=0))
            if len(filled):
                ratio.set_xlim(*histogram.axes[1].edges[[filled[0], filled[-1] + 1]])
            ratio.set_xlabel(label)
            ratio.set_ylabel("ratio to their\nmean", loc="center")
            fit_label(ratio, ratio.yaxis.label)
            _legend_above(main, log)
        panels[0, 0].text(0, 1.01, "TauAdv", transform=panels[0, 0].transAxes, weight="bold", va="bottom", size=16)
        panels[0, 1].text(1, 1.01, title, transform=panels[0, 1].transAxes, ha="right", va="bottom", size=13)
    return figure


def _legend_above(axes: Axes, log: bool) -> None:
    """Put the legend into one line above what is drawn."""
    low, high = axes.get_ylim()
    axes.set_ylim(top=low * (high / low) ** 1.2 if log and low > 0 else low + 1.2 * (high - low))
    add_legend(axes, loc="upper center", ncols=5, columnspacing=1.0, handlelength=1.5)


def _draw_ratios(axes: Axes, histogram: hist.Hist) -> None:
    colors = class_colors(histogram.axes[0])
    spectra = {name: normalised(histogram[name, :]) for name in colors}
    drawn = [name for name, (values, _) in spectra.items() if values.any()]
    mean = np.mean([spectra[name][0] for name in drawn], axis=0) if drawn else np.zeros(len(histogram.axes[1]))
    filled = np.all([spectra[name][0] > 0 for name in drawn], axis=0) if drawn else mean > 0
    centers, known = histogram.axes[1].centers, []
    ratios = {}
    for name in drawn:
        ratio, error = (np.divide(each, mean, out=np.full_like(mean, np.nan), where=filled) for each in spectra[name])
        axes.errorbar(centers, ratio, error, fmt="o", markersize=3, elinewidth=0.9, color=colors[name])
        ratios[name] = ratio
        known.append(ratio[error < 0.5 * ratio])
    set_ratio_range(axes, choose_ratio_range(np.concatenate(known) if known else []))
    for name, ratio in ratios.items():
        mark_outside(axes, centers, ratio, colors[name])
    axes.axhline(1, color="0.4", lw=1, ls="--")
