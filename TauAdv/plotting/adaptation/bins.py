"""Data/MC, or another ratio, in the bins of a variable: one colour a run, and standard deviations from 1 below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.ratios import choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import WIDEST, add_legend_below, fit_label, head_figure, style

__all__ = ["ALL_RUNS", "plot_bins"]

#: Label of what is the same for all runs; drawn in black.
ALL_RUNS = "all runs"

Rows: TypeAlias = pd.DataFrame | Sequence[pd.DataFrame]
_WIDTH = 0.7  # of a bin that the points of all runs share
_MOST_DEVIATIONS = 5.0
_SMALL: dict[Any, Any] = {
    "font.size": 13,
    "axes.labelsize": 14,
    "xtick.labelsize": 11,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "xtick.minor.visible": False,
    "axes.labelpad": 6,
}


def plot_bins(
    panels: Mapping[str, Mapping[str, Rows]],
    variable: str,
    *,
    title: str = "",
    value_label: str = "Data / MC",
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """Return a figure with a panel for each quantity: points with statistical errors in every bin, by run.

    Of an entry with several trainings the point is their mean, its bar is the statistical error of one, and the box behind
    it is the spread of the trainings (one standard deviation). The lower panels, drawn where the rows have
    ``deviations``, show how far from closure each bin is, in standard deviations; the grey band is two.

    Args:
        panels: heading -> label of an entry -> its rows, or the rows of each of its trainings, with the columns ``bin``,
            ``value``, ``error`` and maybe ``deviations``; NaN is not drawn.
        variable: name of the bins, for the axis.
        title: text above the last panel.
        value_label: what is drawn.
        colors: label of an entry -> colour; default: one for each.
    """
    entries = list(dict.fromkeys(label for rows in panels.values() for label in rows if label != ALL_RUNS))
    colors = {ALL_RUNS: "black", **(colors or run_colors(entries))}
    drawn = {heading: {label: _mean(rows) for label, rows in found.items()} for heading, found in panels.items()}
    tested = any("deviations" in rows for found in drawn.values() for rows in found.values())
    with style(), pyplot.rc_context(_SMALL):
        size = (min(WIDEST, 1.2 + 4.9 * len(panels)), 6.6 if tested else 5.0)
        rows = {"nrows": 2, "height_ratios": (2.2, 1)} if tested else {"nrows": 1}
        figure, grid = pyplot.subplots(**rows, ncols=len(panels), figsize=size, squeeze=False, layout="constrained")
        for column, (heading, found) in enumerate(drawn.items()):
            names = list(dict.fromkeys(name for rows in found.values() for name in rows.index))
            _draw_values(grid[0, column], found, names, colors)
            grid[0, column].text(0.03, 0.96, heading, transform=grid[0, column].transAxes, va="top", size=13)
            if tested:
                grid[0, column].set_xticklabels([])
                _draw_deviations(grid[1, column], found, names, colors)
            grid[-1, column].set_xlabel(variable)
            _name_bins(grid[-1, column], names, variable)
        grid[0, 0].set_ylabel(value_label, loc="center")
        if tested:
            grid[1, 0].set_ylabel("Std. dev.", loc="center")
            fit_label(grid[1, 0], grid[1, 0].yaxis.label)
        head_figure(figure, title)
        add_legend_below(figure, *grid[0])
    return figure


def _mean(rows: Rows) -> pd.DataFrame:
    """Return the rows by bin; of several trainings their mean, with ``spread``."""
    tables = [rows] if isinstance(rows, pd.DataFrame) else list(rows)
    columns = [name for name in ("value", "error", "deviations") if all(name in table for table in tables)]
    by_bin = pd.concat([table.set_index("bin")[columns].astype(float) for table in tables]).groupby(level=0, sort=False)
    return by_bin.mean().assign(spread=by_bin["value"].std(ddof=1) if len(tables) > 1 else 0.0)


def _places(names: Sequence[str], number: int, count: int) -> NDArray[np.float64]:
    """Return the positions of one of several runs in the bins."""
    return np.arange(float(len(names))) + _WIDTH * ((number + 0.5) / count - 0.5)


def _draw_values(axes: Axes, found: Mapping[str, pd.DataFrame], names: Sequence[str], colors: Mapping[str, str]) -> None:
    axes.axhline(1, color="0.4", lw=1, ls="--")
    known = []
    for number, (label, rows) in enumerate(found.items()):
        rows = rows.reindex(names)
        x = _places(names, number, len(found))
        value, error, spread = (rows[column].to_numpy() for column in ("value", "error", "spread"))
        if np.any(spread > 0):
            width = _WIDTH / len(found)
            axes.bar(x, 2 * spread, width, bottom=value - spread, color=colors[label], alpha=0.3, lw=0)
        axes.errorbar(x, value, error, fmt="o", color=colors[label], markersize=5, elinewidth=1.3, label=label)
        near = np.isfinite(value) & (error < 0.5)
        known += [(value - error)[near], (value + error)[near]]
    set_ratio_range(axes, _with_room(choose_ratio_range(np.concatenate(known) if known else [])))
    for number, (label, rows) in enumerate(found.items()):
        values = rows.reindex(names)["value"].to_numpy()
        mark_outside(axes, _places(names, number, len(found)), values, colors[label])
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(range(len(names)))
    _part_bins(axes, len(names))


def _with_room(chosen: Any) -> Any:
    """Return a range with room for a line of text above the points."""
    if chosen.logarithmic:
        return type(chosen)(chosen.low, chosen.high * (chosen.high / chosen.low) ** 0.12, logarithmic=True)
    return type(chosen)(chosen.low, chosen.high + 0.12 * (chosen.high - chosen.low), logarithmic=False)


def _draw_deviations(axes: Axes, found: Mapping[str, pd.DataFrame], names: Sequence[str], colors: Mapping[str, str]) -> None:
    axes.axhspan(-2, 2, color="0.9", lw=0)
    axes.axhline(0, color="0.4", lw=1, ls="--")
    values = {label: rows.reindex(names)["deviations"].to_numpy() for label, rows in found.items() if "deviations" in rows}
    finite = np.concatenate([each[np.isfinite(each)] for each in values.values()]) if values else np.zeros(0)
    most = min(max(3.0, 1.15 * float(np.max(np.abs(finite), initial=0.0))), _MOST_DEVIATIONS)
    axes.set_ylim(-most, most)
    for number, label in enumerate(found):
        if label in values:
            x = _places(names, number, len(found))
            axes.bar(x, np.nan_to_num(values[label]), 0.9 * _WIDTH / len(found), color=colors[label], lw=0)
            mark_outside(axes, x, values[label], "black")
    axes.set_xlim(-0.5, len(names) - 0.5)
    _part_bins(axes, len(names))


def _part_bins(axes: Axes, count: int) -> None:
    for place in range(count - 1):
        axes.axvline(place + 0.5, color="0.85", lw=0.8, zorder=0)
    axes.tick_params(axis="x", which="both", length=0)


def _name_bins(axes: Axes, names: Sequence[str], variable: str) -> None:
    """Write the names of the bins, without that of the variable, in two lines where they are long."""
    texts = [name.removeprefix(variable).strip() or name for name in names]
    wrap = len(names) > 4 and any(len(text) > 6 for text in texts)
    axes.set_xticks(range(len(names)), [_two_lines(text) if wrap else text for text in texts])


def _two_lines(text: str) -> str:
    middle = [place for place, letter in enumerate(text) if letter == " "]
    if not middle:
        return text
    at = min(middle, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:at]}\n{text[at + 1 :]}"
