"""Data against the stack of simulation, with the ratio below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import cast

import hist
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.stats import chi2

from TauAdv.arguments import checked
from TauAdv.plotting.style import Drawn, label_figure, style, with_ratio_panel

__all__ = ["plot_closure"]

NOTES_TOP, LINE_HEIGHT = 0.78, 0.06  # of text in the main panel, as shares of its height
TAIL = 0.15865525393145707  # outside one standard deviation, one side


@checked
def plot_closure(
    histogram: hist.Hist,
    contributions: Sequence[Drawn],
    *,
    title: str = "",
    ratio_range: tuple[float, float] = (0.5, 1.6),
    log: bool = False,
    notes: Sequence[str] = (),
) -> Figure:
    """Return data points on the stack of simulation, and data / MC in a panel below.

    Bars of data are 68 % Poisson intervals; the hatched band is the statistical error of the simulation, sqrt(sum of squared
    weights). Entries outside the range are counted in a note.

    Args:
        histogram: axes (contribution, value) with weighted storage.
        contributions: in the order of the stack, from bottom to top; one of them is data.
        title: text above the plot.
        ratio_range: range of the ratio.
        log: logarithmic number of entries.
        notes: lines of text written into the plot.
    """
    stack = [entry for entry in contributions if not entry.data]
    (points,) = [entry for entry in contributions if entry.data]
    data = cast(hist.Hist, histogram[points.name, :])
    simulation = reduce(add, (cast(hist.Hist, histogram[entry.name, :]) for entry in stack))
    with style():
        figure, main, ratio = with_ratio_panel()
        mplhep.histplot(
            [histogram[entry.name, :] for entry in stack],
            stack=True,
            histtype="fill",
            color=[entry.color for entry in stack],
            label=[entry.label for entry in stack],
            ax=main,
            flow="none",
        )
        _band(main, simulation, 1.0)
        _points(main, data, np.ones(data.axes[0].size), points.color, points.label)
        _ratio(ratio, data, simulation, points.color, ratio_range)
        lines = [*notes, *_outside(data, simulation)]
        _finish(main, ratio, data, simulation, log, _notes(main, lines))
        label_figure(main, title)
    return figure


def _poisson(counts: NDArray) -> tuple[NDArray, NDArray]:
    """Lengths of the lower and upper bar: the central 68 % interval of a Poisson mean."""
    low = np.where(counts > 0, chi2.ppf(TAIL, 2 * np.maximum(counts, 1)) / 2, 0)
    high = chi2.ppf(1 - TAIL, 2 * (counts + 1)) / 2
    return counts - low, high - counts


def _points(axes: Axes, data: hist.Hist, scale: NDArray, color: str, label: str | None = None) -> None:
    """Draw data divided by ``scale``; empty bins and bins without scale are left out."""
    counts, axis = data.values(), data.axes[0]
    drawn = (counts > 0) & (scale > 0)
    low, high = _poisson(counts)
    axes.errorbar(
        axis.centers[drawn],
        counts[drawn] / scale[drawn],
        yerr=np.stack([low, high])[:, drawn] / scale[drawn],
        xerr=axis.widths[drawn] / 2,
        fmt="o",
        color=color,
        markersize=4,
        elinewidth=1,
        label=label,
        zorder=3,
    )


def _band(axes: Axes, simulation: hist.Hist, scale: NDArray | float) -> None:
    """Hatch the statistical error of the simulation, relative to it if ``scale`` is its content."""
    values, errors = simulation.values() / scale, np.sqrt(np.asarray(simulation.variances())) / scale
    edges = simulation.axes[0].edges
    axes.stairs(
        values + errors, edges, baseline=values - errors, fill=True, hatch="////", facecolor="none", edgecolor="0.4", lw=0
    )


def _ratio(axes: Axes, data: hist.Hist, simulation: hist.Hist, color: str, ratio_range: tuple[float, float]) -> None:
    expected = simulation.values()
    axes.axhline(1, color="0.4", lw=1, ls="--")
    _band(axes, simulation, np.where(expected > 0, expected, np.nan))
    _points(axes, data, expected, color)
    _arrows(axes, data, expected, ratio_range)
    axes.set_ylim(*ratio_range)
    axes.set_ylabel("Data / MC", loc="center")


def _arrows(axes: Axes, data: hist.Hist, expected: NDArray, ratio_range: tuple[float, float]) -> None:
    """Mark points that lie outside the panel."""
    filled = (expected > 0) & (data.values() > 0)
    values = data.values() / np.where(filled, expected, 1)
    margin = 0.04 * (ratio_range[1] - ratio_range[0])
    for outside, marker, height in (
        (values > ratio_range[1], "^", ratio_range[1] - margin),
        (values < ratio_range[0], "v", ratio_range[0] + margin),
    ):
        drawn = filled & outside
        axes.plot(data.axes[0].centers[drawn], np.full(drawn.sum(), height), marker, color="tab:red", markersize=6)


def _finish(main: Axes, ratio: Axes, data: hist.Hist, simulation: hist.Hist, log: bool, free: float) -> None:
    """Set ranges, labels and legend; a linear axis leaves the panel above the share ``free`` to the text."""
    axis = data.axes[0]
    highest = max(1.0, float(np.max(data.values() + np.sqrt(data.values()))), float(np.max(simulation.values())))
    if log:
        main.set_yscale("log")
        main.set_ylim(0.5, 3 * highest**1.5)
    else:
        main.set_ylim(0, highest / free)
    main.set_xlim(axis.edges[0], axis.edges[-1])
    main.set_xlabel("")
    main.set_ylabel(f"Candidates / {axis.widths[0]:.3g}")
    ratio.set_xlabel(axis.label)
    handles, labels = main.get_legend_handles_labels()
    handles.append(Patch(facecolor="none", edgecolor="0.4", hatch="////", lw=0))
    main.legend(
        handles[::-1], [*labels, "MC stat. error"][::-1], ncols=3, loc="upper center", mode="expand", borderaxespad=0.3
    )
    ratio.yaxis.set_major_locator(MaxNLocator(5, prune="both"))
    ratio.xaxis.set_major_locator(MaxNLocator(6))


def _outside(data: hist.Hist, simulation: hist.Hist) -> list[str]:
    """Say which part of the candidates is below and above the range."""
    parts = []
    for name, histogram in (("data", data), ("MC", simulation)):
        values = histogram.values(flow=True)
        outside = values[0] + values[-1]
        if outside > 0:
            parts.append(f"{name} {100 * outside / values.sum():.2g} %")
    return [f"outside the range: {', '.join(parts)}"] if parts else []


def _notes(axes: Axes, lines: Sequence[str]) -> float:
    """Write lines below the legend; return the share of the panel's height below them."""
    axes.text(0.03, NOTES_TOP, "\n".join(lines), transform=axes.transAxes, va="top", size=13, linespacing=1.5)
    return max(min(0.645, NOTES_TOP - LINE_HEIGHT * (len(lines) + 0.5)), 0.3)
