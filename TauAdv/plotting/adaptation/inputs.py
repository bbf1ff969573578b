"""Input features, data against simulation, with the ratio below each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import hist
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MaxNLocator

from TauAdv.plotting.ratios import choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import fit_label, style

__all__ = ["plot_inputs"]

_COLUMNS, _PANEL_WIDTH, _PANEL_HEIGHT = 3, 4.5, 4.2  # inches
_SMALL: dict[Any, Any] = {
    "font.size": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
}


def plot_inputs(histograms: Mapping[str, hist.Hist], *, title: str = "") -> Figure:
    """Return a figure with a panel for each feature: data as points, simulation as a filled histogram, their ratio below.

    Args:
        histograms: heading -> axes (side, value) with weighted storage; sides are ``data`` and ``MC``.
        title: text above the panels.
    """
    columns = min(_COLUMNS, len(histograms))
    lines = -(-len(histograms) // columns)
    with style(), pyplot.rc_context(_SMALL):
        figure = pyplot.figure(figsize=(_PANEL_WIDTH * columns, _PANEL_HEIGHT * lines))
        grid = GridSpec(lines, columns, figure, hspace=0.42, wspace=0.3)
        for number, (heading, histogram) in enumerate(histograms.items()):
            inner = grid[number // columns, number % columns].subgridspec(2, 1, height_ratios=(2.5, 1), hspace=0.08)
            main = figure.add_subplot(inner[0])
            ratio = figure.add_subplot(inner[1], sharex=main)
            _draw(main, ratio, histogram, heading)
        top = figure.subplotpars.top + 0.55 / figure.get_figheight()
        figure.text(figure.subplotpars.left, top, "TauAdv", weight="bold", va="bottom", size=14)
        figure.text(figure.subplotpars.right, top, title, ha="right", va="bottom", size=13)
    return figure


def _draw(main: Axes, ratio: Axes, histogram: hist.Hist, heading: str) -> None:
    data, mc = (cast(hist.Hist, histogram[side, :]) for side in ("data", "MC"))
    axis = data.axes[0]
    values, expected = data.values(), mc.values()
    errors, spread = (np.sqrt(np.asarray(each.variances())) for each in (data, mc))
    main.stairs(expected, axis.edges, fill=True, color="#ffa90e", label="MC")
    main.errorbar(axis.centers, values, errors, fmt="o", color="black", markersize=3, elinewidth=0.9, label="Data")
    main.set_ylim(0, 1.35 * max(1.0, float(np.max(values + errors)), float(np.max(expected))))
    main.set_title(heading, size=11)
    main.legend(loc="upper right", ncols=2, handlelength=1.2)
    main.tick_params(labelbottom=False)
    main.yaxis.set_major_locator(MaxNLocator(4, prune="lower"))
    known = expected > 0
    shown, error, band = (
        np.divide(each, expected, out=np.full_like(expected, np.nan), where=known) for each in (values, errors, spread)
    )
    ratio.axhline(1, color="0.4", lw=1, ls="--")
    ratio.fill_between(axis.centers, 1 - band, 1 + band, step="mid", color="0.85", lw=0)
    drawn = known & (values > 0)
    ratio.errorbar(axis.centers[drawn], shown[drawn], error[drawn], fmt="o", color="black", markersize=3, elinewidth=0.9)
    set_ratio_range(ratio, choose_ratio_range(shown[drawn & (error < 0.3)]))
    mark_outside(ratio, axis.centers[drawn], shown[drawn], "tab:red")
    ratio.set_xlim(axis.edges[0], axis.edges[-1])
    ratio.set_xlabel(axis.label)
    ratio.set_ylabel("Data / MC", loc="center")
    fit_label(ratio, ratio.xaxis.label)
    fit_label(ratio, ratio.yaxis.label)
