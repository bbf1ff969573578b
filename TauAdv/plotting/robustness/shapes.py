"""Distributions of scores and inputs by flavour: raw as lines, disturbed as points, and their ratio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import hist
import mplhep
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from TauAdv.domain.classes import class_colors, class_label
from TauAdv.plotting.plot_styles import RAW
from TauAdv.plotting.ratios import choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import add_legend, fit_label, style

__all__ = ["merged_bins", "plot_shapes"]

_PANEL_WIDTH = 4.4  # inches
_COLUMNS = 4
_MOST_BINS = 25
_SMALL: dict[Any, Any] = {
    "font.size": 12,
    "axes.labelsize": 13,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 9.5,
}


def plot_shapes(
    histograms: Mapping[str, hist.Hist],
    disturbance: str,
    divergences: Mapping[tuple[str, str], float] | None = None,
    *,
    title: str = "",
    rows: str = "jets",
) -> Figure:
    """Return one figure with a panel for each histogram, on a logarithmic axis, and disturbed / raw below each.

    Error bars are statistical, root of the sum of squared weights of either side. Both sides are the same jets, so ratios
    are better known than the bars say. More than 25 bins are merged. The range of a ratio is what holds all that is known
    to 50 %; arrows at its edges stand for ratios outside.

    Args:
        histograms: name -> axes (disturbance, flavour, value) with weighted storage; inputs in physical units.
        disturbance: which one to draw beside raw.
        divergences: (name, flavour) -> Kullback-Leibler divergence, written into the legends.
        title: text above the panels.
        rows: what is counted, jets or taus.
    """
    lines, columns = -(-len(histograms) // _COLUMNS), min(_COLUMNS, len(histograms))
    with style(), pyplot.rc_context(_SMALL):
        figure = pyplot.figure(figsize=(_PANEL_WIDTH * columns, 4.6 * lines))
        grid = GridSpec(lines, columns, figure, hspace=0.28, wspace=0.26)
        for number, (name, histogram) in enumerate(histograms.items()):
            inner = grid[number // columns, number % columns].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
            main = figure.add_subplot(inner[0])
            ratio = figure.add_subplot(inner[1], sharex=main)
            _draw(main, ratio, merged_bins(histogram), disturbance, _with_divergence(name, divergences or {}))
            if len(main.patches):
                main.set_yscale("log")
                main.set_ylim(0.5, main.get_ylim()[1] * 20)
            else:
                main.set_yticks([])
            counted = f"{rows.capitalize()} / bin" if number % columns == 0 else ""
            _label(main, ratio, histogram.axes[2].label, counted)
        _head(figure, disturbance, title)
    return figure


def merged_bins(histogram: hist.Hist) -> hist.Hist:
    """Return a histogram of the last axis with at most 25 bins: equally many neighbours merged, the rest in the last."""
    size = len(histogram.axes[-1])
    together = -(-size // _MOST_BINS)
    if together <= 1:
        return histogram
    groups = [together] * (size // together) + [size % together] * (size % together > 0)
    return cast(hist.Hist, histogram[..., :: hist.rebin(groups=groups)])


def _head(figure: Figure, disturbance: str, title: str) -> None:
    """Write above all panels whose jets these are, and which side is drawn how."""
    panels = figure.axes
    left, right, top = panels[0].get_position().x0, max(panel.get_position().x1 for panel in panels), figure.subplotpars.top
    height = 0.06 / figure.get_figheight()
    figure.text(left, top + height, "TauAdv", weight="bold", va="bottom", size=14)
    figure.text(right, top + height, title, ha="right", va="bottom", size=13)
    sides = [
        Line2D([], [], color="0.2", lw=1.5, label=f"lines: {RAW}"),
        Line2D([], [], color="0.2", marker="o", markersize=4, ls="none", label=f"points: {disturbance}"),
    ]
    if figure.get_figwidth() > 2 * _PANEL_WIDTH:  # there is room between both texts
        place: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": ((left + right) / 2, top), "ncols": 2}
    else:
        place = {"loc": "lower center", "bbox_to_anchor": ((left + right) / 2, top + 6 * height), "ncols": 2}
    figure.legend(handles=sides, fontsize=13, **place)


def _label(main: Axes, ratio: Axes, label: str, counted: str) -> None:
    main.tick_params(labelbottom=False)
    add_legend(main, loc="upper right")
    main.set_ylabel(counted)
    ratio.set_xlabel(label)
    ratio.set_ylabel("ratio" if counted else "", loc="center")
    fit_label(ratio, ratio.xaxis.label)
    for panel in (main, ratio):
        panel.minorticks_off()


def _with_divergence(name: str, divergences: Mapping[tuple[str, str], float]) -> Callable[[str], str]:
    def text(flavour: str) -> str:
        label = class_label(flavour)
        return f"{label} (KL {divergences[name, flavour]:.2g})" if (name, flavour) in divergences else label

    return text


def _draw(main: Axes, ratio: Axes, histogram: hist.Hist, disturbance: str, text: Callable[[str], str]) -> None:
    """Draw raw as lines, disturbed as points, and the ratio; empty flavours are left out."""
    axis, ratios = histogram.axes[2], []
    for flavour, color in class_colors(histogram.axes[1]).items():
        raw, now = (cast(hist.Hist, histogram[name, flavour, :]) for name in (RAW, disturbance))
        if not np.any(raw.values()):
            continue
        mplhep.histplot(raw, ax=main, color=color, yerr=False, linewidth=1.5, label=text(flavour), flow="none")
        _points(main, axis, now.values(), np.sqrt(np.asarray(now.variances())), color)
        ratios.append((*_ratio(now, raw), color))
        _points(ratio, axis, *ratios[-1])
    ratio.axhline(1, color="0.4", lw=1, ls="--")
    known = [values[errors < 0.5 * values] for values, errors, _ in ratios]
    set_ratio_range(ratio, choose_ratio_range(np.concatenate(known) if known else []))
    for values, _, color in ratios:
        mark_outside(ratio, axis.centers, values, color)
    ratio.set_xlim(axis.edges[0], axis.edges[-1])
    main.set_xlabel("")


def _points(axes: Axes, axis: hist.axis.Regular, values: NDArray, errors: NDArray, color: str) -> None:
    drawn = np.isfinite(values) & (values > 0)
    options: dict[str, Any] = {"fmt": "o", "markersize": 3, "elinewidth": 0.9, "color": color}
    axes.errorbar(axis.centers[drawn], values[drawn], errors[drawn], **options)


def _ratio(now: hist.Hist, raw: hist.Hist) -> tuple[NDArray, NDArray]:
    """Return the ratio and its error, both sides taken as independent; NaN where a side is empty."""
    top, bottom = now.values(), raw.values()
    filled = (top > 0) & (bottom > 0)
    values = np.divide(top, bottom, out=np.full_like(top, np.nan), where=filled)
    errors = [np.sqrt(np.asarray(side.variances())) for side in (now, raw)]
    relative = [
        np.divide(error, counts, out=np.zeros_like(top), where=filled)
        for error, counts in zip(errors, (top, bottom), strict=True)
    ]
    return values, values * np.hypot(*relative)
