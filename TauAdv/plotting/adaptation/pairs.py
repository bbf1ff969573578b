"""Closure in the bins of two variables: a matrix for each run, coloured by standard deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TauAdv.plotting.style import WIDEST, head_figure, style

__all__ = ["plot_pairs"]

_MOST = 5.0  # standard deviations at the ends of the colour scale
_SMALL: dict[Any, Any] = {"font.size": 12, "axes.labelsize": 14, "xtick.labelsize": 11, "ytick.labelsize": 11}


def plot_pairs(tables: Mapping[str, pd.DataFrame], variables: tuple[str, str], *, title: str = "") -> Figure:
    """Return a figure with a panel for each run: data/MC written into the bins, standard deviations from 1 as colour.

    Bins that are not in the table (too few taus) stay white.

    Args:
        tables: label -> rows with ``bin`` (the names of both bins, joined by a comma), ``value`` and ``deviations``.
        variables: names of both: that of the rows and that of the columns of a matrix.
        title: text above the figure.
    """
    names = [list(dict.fromkeys(name for table in tables.values() for name in _bins(table)[side])) for side in (0, 1)]
    with style(), pyplot.rc_context(_SMALL):
        size = (min(WIDEST, 2.4 + (0.6 + 0.75 * len(names[1])) * len(tables)), 2.2 + 0.75 * len(names[0]))
        figure, panels = pyplot.subplots(1, len(tables), figsize=size, squeeze=False, layout="constrained", sharey=True)
        for panel, (label, table) in zip(panels.flat, tables.items(), strict=True):
            image = _draw(panel, table, names)
            panel.set_title(label, size=13)
            panel.set_xlabel(variables[1])
            panel.set_xticks(range(len(names[1])), [_short(name, variables[1]) for name in names[1]], rotation=90)
            panel.set_yticks(range(len(names[0])), [_short(name, variables[0]) for name in names[0]])
            panel.tick_params(which="both", length=0)
            panel.minorticks_off()
        panels[0, 0].set_ylabel(variables[0])
        figure.colorbar(image, ax=panels, label="Std. dev.", shrink=0.9).minorticks_off()
        head_figure(figure, title)
    return figure


def _bins(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    parts = [str(name).split(", ", 1) for name in table["bin"]]
    return [first for first, _ in parts], [second for _, second in parts]


def _draw(axes: Axes, table: pd.DataFrame, names: list[list[str]]) -> Any:
    colors = np.full((len(names[0]), len(names[1])), np.nan)
    for row, column, value, off in zip(*_bins(table), table["value"], table["deviations"], strict=True):
        at = names[0].index(row), names[1].index(column)
        colors[at] = off
        if np.isfinite(value):
            strong = abs(off) > 0.6 * _MOST
            axes.text(at[1], at[0], f"{value:.2f}", ha="center", va="center", size=11, color="white" if strong else "black")
    return axes.imshow(colors, vmin=-_MOST, vmax=_MOST, cmap="RdBu_r", aspect="auto")


def _short(name: str, variable: str) -> str:
    return name.removeprefix(variable).strip() or name
