"""Figures of merit against eps, epoch, pt and eta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from TauAdv.plotting.plot_styles import disturbance_colors, line_styles
from TauAdv.plotting.style import fit_label, head_figure, label_figure, style

__all__ = ["plot_epochs", "plot_regions", "plot_scan"]

_SMALL: dict[Any, Any] = {"font.size": 14, "axes.labelsize": 15, "xtick.labelsize": 13, "ytick.labelsize": 13}
_SMALL |= {"legend.fontsize": 12, "xtick.minor.visible": False, "ytick.minor.visible": False, "axes.labelpad": 8}
_PT_TICKS = (20, 50, 100, 200, 500, 1000)
# an efficiency of few jets may lie nearer to 0 (or 1) than its standard deviation, yet none lies beyond
_POSSIBLE = (0.0, 1.0)


def plot_scan(
    table: pd.DataFrame, mistags: Sequence[float], *, title: str = "", colors: Mapping[str, str] | None = None
) -> Figure:
    """Return AUC and efficiencies at mistag rates against eps, with bands of one bootstrap deviation, cut at 0 and 1.

    Args:
        table: columns run, disturbance, eps, auc, efficiency_at_..., and errors.
        mistags: rates whose efficiencies are drawn.
        title: text above the figure.
        colors: disturbance -> colour; default: any, by table.
    """
    figures = {"auc": "AUC"} | {f"efficiency_at_{m:g}": f"Efficiency at {100 * m:g} % mistag" for m in mistags}
    with _panels(len(figures), 2, title) as (figure, panels):
        for panel, (column, label) in zip(panels, figures.items(), strict=True):
            _lines(panel, table, "eps", column, colors)
            panel.set_xlabel(r"$\epsilon$ [standard deviations of the inputs]")
            panel.set_ylabel(label)
            panel.set_xlim(table["eps"].min(), table["eps"].max() or 1)
            if not np.isfinite(table[column]).any():
                panel.set_ylim(*_POSSIBLE)
                panel.text(0.5, 0.5, "no measurement:\ntoo little background", transform=panel.transAxes, ha="center")
    return figure


def plot_epochs(tables: Mapping[str, pd.DataFrame], *, title: str = "", colors: Mapping[str, str] | None = None) -> Figure:
    """Return AUC against the epoch, with bands of one bootstrap standard deviation, cut at 0 and 1.

    Args:
        tables: heading of a panel -> columns run, epoch, disturbance, auc, auc_error.
        title: text above the figure.
        colors: disturbance -> colour; default: any, by table.
    """
    with _panels(len(tables), 4, title) as (figure, panels):
        for panel, (heading, table) in zip(panels, tables.items(), strict=True):
            _lines(panel, table, "epoch", "auc", colors)
            panel.set_xlabel("Epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            _head(panel, heading)
    return figure


def plot_regions(
    tables: Mapping[str, pd.DataFrame],
    variable: str,
    disturbances: Sequence[str],
    *,
    title: str = "",
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """Return AUC in bins of pt or abs(eta), with bootstrap errors.

    Args:
        tables: heading of a panel -> columns run, disturbance, variable, low, high, auc, auc_error.
        variable: ``pt`` or ``abs_eta``.
        disturbances: those to draw.
        title: text above the figure.
        colors: disturbance -> colour; default: any, by table.
    """
    with _panels(len(tables), 4, title) as (figure, panels):
        for panel, (heading, table) in zip(panels, tables.items(), strict=True):
            _steps(panel, table[table["disturbance"].isin(disturbances) & (table["variable"] == variable)], colors)
            panel.set_xlabel({"pt": "$p_T$ [GeV]", "abs_eta": r"$|\eta|$"}[variable])
            if variable == "pt":
                panel.set_xscale("log")
                panel.set_xticks([tick for tick in _PT_TICKS if panel.get_xlim()[0] <= tick <= panel.get_xlim()[1]])
                panel.xaxis.set_major_formatter(ScalarFormatter())
                panel.minorticks_off()
            _head(panel, heading)
    return figure


def _head(panel: Axes, heading: str) -> None:
    """Write above a panel what is separated from what, as its own line: below the line of the figure."""
    panel.set_ylabel("AUC")
    panel.text(0.5, 1.02, heading, transform=panel.transAxes, ha="center", va="bottom", size=14)


@contextmanager
def _panels(number: int, across: int, title: str) -> Iterator[tuple[Figure, list[Axes]]]:
    """Yield a figure with so many panels; draw within the block. One legend for all of them is put below."""
    across = min(across, number)
    down = -(-number // across)
    with style(), pyplot.rc_context(_SMALL):
        size = (5.2 * across, 4.6 * down)
        layout = ConstrainedLayoutEngine(wspace=0.06, hspace=0.06)
        figure, grid = pyplot.subplots(down, across, figsize=size, squeeze=False, layout=layout)
        panels = list(grid.flat)
        for panel in panels[number:]:
            panel.set_visible(False)
        yield figure, panels[:number]
        for panel in panels[:number]:
            fit_label(panel, panel.yaxis.label)
            fit_label(panel, panel.xaxis.label)
        if across == 1:
            label_figure(panels[0], title)
        else:
            head_figure(figure, title)
        _add_common_legend(figure, panels[0], across)


def _add_common_legend(figure: Figure, panel: Axes, across: int) -> None:
    handles, labels = panel.get_legend_handles_labels()
    if labels:
        columns = max(1, min(len(labels), round(5.2 * across / (1.2 + 0.11 * max(map(len, labels))))))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=4.5, fontsize=13)


def _lines(axes: Axes, table: pd.DataFrame, x: str, y: str, colors: Mapping[str, str] | None) -> None:
    """Draw a line with its band for every run (line style) and disturbance (colour)."""
    colors = colors or disturbance_colors(list(table["disturbance"]))
    styles = line_styles(list(dict.fromkeys(table["run"])))
    for (run, disturbance), rows in table.groupby(["run", "disturbance"], sort=False):
        rows = rows.sort_values(x)
        color, line, value, error = colors[disturbance], styles[run], rows[y].to_numpy(), rows[f"{y}_error"].to_numpy()
        low, high = np.clip([value - error, value + error], *_POSSIBLE)
        axes.plot(rows[x], value, lw=1.8, label=f"{run}, {disturbance}", color=color, ls=line)
        axes.plot(rows[x], value, ls="none", **_marker(color, line))  # not in the key, where it would hide the dashes
        axes.fill_between(rows[x], low, high, color=color, alpha=0.12, lw=0)
        for end in (low, high):  # bands that overlap can be distinguished by their ends
            axes.plot(rows[x], end, lw=0.7, color=color, ls=line, alpha=0.55)


def _marker(color: str, line: Any) -> dict[str, Any]:
    """Return full circles for full lines, open ones for all others."""
    return {"marker": "o", "markersize": 5, "color": color, "markerfacecolor": color if line == "-" else "white"}


def _steps(axes: Axes, table: pd.DataFrame, colors: Mapping[str, str] | None) -> None:
    colors = colors or disturbance_colors(list(table["disturbance"]))
    styles = line_styles(list(dict.fromkeys(table["run"])))
    groups = list(table.groupby(["run", "disturbance"], sort=False))
    for number, ((run, disturbance), rows) in enumerate(groups):
        color, line = colors[disturbance], styles[run]
        low, high = (rows[end].to_numpy() for end in ("low", "high"))
        # points of the curves side by side, so that their error bars can be distinguished
        center = low + (high - low) * (0.5 + 0.5 * (number - (len(groups) - 1) / 2) / max(len(groups), 1))
        axes.errorbar(center, rows["auc"], rows["auc_error"], fmt="none", elinewidth=1, ecolor=color)
        axes.plot(center, rows["auc"], ls="none", **_marker(color, line))
        axes.hlines(rows["auc"], low, high, color=color, ls=line, lw=1.2, label=f"{run}, {disturbance}")
    if len(table):
        axes.set_xlim(table["low"].min(), table["high"].max())
    axes.set_ylim(top=min(1.0, np.nanmax(table["auc"]) + 0.05) if len(table) else 1)
