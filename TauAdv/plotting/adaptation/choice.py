"""Closure and cost against the strength of the adversary."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TauAdv.plotting.style import fit_label, label_figure, style

__all__ = ["plot_choice"]

_CLOSURE, _COST = "#bd1f01", "#3f90da"


def plot_choice(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Return |1 - data/MC| (above) and the misidentification of jets relative to the reference (below), against k2.

    Every training is a point; lines are the means of trainings with the same k2.

    Args:
        table: a row for each training: ``k2``, ``off``, ``cost``; NaN is not drawn.
        title: text above the plot.
    """
    with style():
        figure, (closure, cost) = pyplot.subplots(2, 1, figsize=(8, 8), sharex=True, gridspec_kw={"hspace": 0.12})
        _draw(closure, table, "off", _CLOSURE)
        _draw(cost, table, "cost", _COST)
        closure.set_ylim(bottom=0)
        closure.set_ylabel("|1 - data/MC|")
        cost.axhline(1, color="0.4", lw=1, ls="--")
        cost.set_ylabel("Jet mis-id relative\nto the reference")
        _place(cost, sorted(set(table["k2"])))
        cost.set_xlabel("Strength $k_2$ of the adversary")
        for panel in (closure, cost):
            fit_label(panel, panel.yaxis.label)
        label_figure(closure, title)
    return figure


def _draw(axes: Axes, table: pd.DataFrame, column: str, color: str) -> None:
    means = table.dropna(subset=[column]).groupby("k2")[column].mean()
    axes.plot(means.index, means.to_numpy(), color=color, lw=2, marker="_", markersize=16)
    axes.plot(table["k2"], table[column], "o", color=color, alpha=0.5, markersize=6)


def _place(axes: Axes, values: list[float]) -> None:
    """Mark the strengths that were tried; logarithmic, and linear around 0, where they span more than a factor of 10."""
    positive = [value for value in values if value > 0]
    if positive and max(positive) > 10 * min(positive):
        axes.set_xscale("symlog", linthresh=min(positive))
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.set_xticks([], minor=True)
    width = max(values) - min(values)
    if axes.get_xscale() == "linear":
        axes.set_xlim(min(values) - 0.08 * (width or 1), max(values) + 0.08 * (width or 1))
    else:
        axes.set_xlim(min(values) - 0.3 * min(positive), np.max(values) * 1.4)
