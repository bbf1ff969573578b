"""Figures of merit against eps, epoch, pt and eta, and losses against the epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from TauAdv.plotting.looks import disturbance_colors, line_styles
from TauAdv.plotting.roc import COLOURS
from TauAdv.plotting.style import add_legend, label_figure, style

__all__ = ["plot_epochs", "plot_history", "plot_regions", "plot_scan"]

_SMALL: dict[Any, Any] = {"font.size": 14, "axes.labelsize": 16, "xtick.labelsize": 13, "ytick.labelsize": 13}
_SMALL |= {"legend.fontsize": 11, "xtick.minor.visible": False, "ytick.minor.visible": False}


def plot_scan(table: pd.DataFrame, mistags: Sequence[float], *, title: str = "") -> Figure:
    """Return AUC and efficiencies at mistag rates against eps, with bands of one bootstrap standard deviation.

    Args:
        table: columns run, disturbance, eps, auc, efficiency_at_..., and errors.
        mistags: rates whose efficiencies are drawn.
        title: text above the figure.
    """
    figures = {"auc": "AUC"} | {f"efficiency_at_{m:g}": f"Efficiency at {100 * m:g} % mistag" for m in mistags}
    with _panels(len(figures), 2, title) as (figure, panels):
        for panel, (column, label) in zip(panels, figures.items(), strict=True):
            _lines(panel, table, "eps", column)
            panel.set_xlabel(r"$\epsilon$ [standard deviations of the inputs]")
            panel.set_ylabel(label)
            panel.set_xlim(table["eps"].min(), table["eps"].max() or 1)
        add_legend(panels[0], loc="lower left")
    return figure


def plot_epochs(tables: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Return AUC against the epoch, with bands of one bootstrap standard deviation.

    Args:
        tables: heading of a panel -> columns run, epoch, disturbance, auc, auc_error.
        title: text above the figure.
    """
    with _panels(len(tables), 4, title) as (figure, panels):
        for panel, (heading, table) in zip(panels, tables.items(), strict=True):
            _lines(panel, table, "epoch", "auc")
            panel.set_xlabel("Epoch")
            panel.set_ylabel(f"AUC {heading}")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        add_legend(panels[0], loc="best")
    return figure


def plot_regions(
    tables: Mapping[str, pd.DataFrame], variable: str, disturbances: Sequence[str], *, title: str = ""
) -> Figure:
    """Return AUC in bins of pt or abs(eta), with bootstrap errors.

    Args:
        tables: heading of a panel -> columns run, disturbance, variable, low, high, auc, auc_error.
        variable: ``pt`` or ``abs_eta``.
        disturbances: those to draw.
        title: text above the figure.
    """
    with _panels(len(tables), 4, title) as (figure, panels):
        for panel, (heading, table) in zip(panels, tables.items(), strict=True):
            _steps(panel, table[table["disturbance"].isin(disturbances) & (table["variable"] == variable)])
            panel.set_xlabel({"pt": "$p_T$ [GeV]", "abs_eta": r"$|\eta|$"}[variable])
            panel.set_ylabel(f"AUC {heading}")
            if variable == "pt":
                panel.set_xscale("log")
                panel.set_xticks([tick for tick in _PT_TICKS if panel.get_xlim()[0] <= tick <= panel.get_xlim()[1]])
                panel.xaxis.set_major_formatter(ScalarFormatter())
                panel.minorticks_off()
        low, high = panels[0].get_ylim()
        panels[0].set_ylim(low - 0.45 * (high - low), high)  # room for the legend
        add_legend(panels[0], loc="lower left")
    return figure


_PT_TICKS = (20, 50, 100, 200, 500, 1000)


@contextmanager
def _panels(number: int, across: int, title: str) -> Iterator[tuple[Figure, list[Axes]]]:
    """Yield a figure with so many panels; draw within the block."""
    across = min(across, number)
    down = -(-number // across)
    with style(), pyplot.rc_context(_SMALL):
        figure, grid = pyplot.subplots(down, across, figsize=(5.2 * across, 4.4 * down), squeeze=False, layout="constrained")
        panels = list(grid.flat)
        for panel in panels[number:]:
            panel.set_visible(False)
        yield figure, panels[:number]
        label_figure(panels[0], title if across == 1 else "")
        if across > 1:
            panels[across - 1].text(1, 1.01, title, transform=panels[across - 1].transAxes, ha="right", va="bottom", size=15)


def plot_history(table: pd.DataFrame, metrics: Sequence[str] | None = None, *, title: str = "") -> Figure:
    """Return losses against the epoch.

    Args:
        table: columns run, metric, epoch, value.
        metrics: those to draw; default: ``loss`` and ``val_loss`` where they are, else all.
        title: text above the figure.
    """
    known = list(dict.fromkeys(table["metric"]))
    wanted = list(metrics or [name for name in ("loss", "val_loss") if name in known] or known)
    styles = line_styles(wanted)
    with style():
        figure, axes = pyplot.subplots(figsize=(8, 6.5))
        for number, run in enumerate(dict.fromkeys(table["run"])):
            for metric in wanted:
                rows = table[(table["run"] == run) & (table["metric"] == metric)].sort_values("epoch")
                color = COLOURS[number % len(COLOURS)]
                marker = "o" if len(rows) == 1 else None
                axes.plot(
                    rows["epoch"],
                    rows["value"],
                    ls=styles[metric],
                    color=color,
                    marker=marker,
                    lw=2,
                    label=f"{run}: {metric}",
                )
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Loss per jet")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right")
        label_figure(axes, title)
    return figure


def _lines(axes: Axes, table: pd.DataFrame, x: str, y: str) -> None:
    """Draw a line with its band for every run (line style) and disturbance (colour)."""
    colors = disturbance_colors(list(dict.fromkeys(table["disturbance"])))
    styles = line_styles(list(dict.fromkeys(table["run"])))
    for (run, disturbance), rows in table.groupby(["run", "disturbance"], sort=False):
        rows = rows.sort_values(x)
        value, error = rows[y].to_numpy(), rows[f"{y}_error"].to_numpy()
        look: dict[str, Any] = {"color": colors[disturbance], "ls": styles[run], "marker": "o", "markersize": 4}
        axes.plot(rows[x], value, lw=1.8, label=f"{run}, {disturbance}", **look)
        axes.fill_between(rows[x], value - error, value + error, color=colors[disturbance], alpha=0.18, lw=0)


def _steps(axes: Axes, table: pd.DataFrame) -> None:
    colors = disturbance_colors(list(dict.fromkeys(table["disturbance"])))
    styles = line_styles(list(dict.fromkeys(table["run"])))
    groups = list(table.groupby(["run", "disturbance"], sort=False))
    for number, ((run, disturbance), rows) in enumerate(groups):
        low, high = (rows[end].to_numpy() for end in ("low", "high"))
        # points of the curves side by side, so that their error bars can be told apart
        center = low + (high - low) * (0.5 + 0.5 * (number - (len(groups) - 1) / 2) / max(len(groups), 1))
        look: dict[str, Any] = {"color": colors[disturbance], "fmt": "o", "markersize": 4, "elinewidth": 1}
        bars = axes.errorbar(center, rows["auc"], rows["auc_error"], label=f"{run}, {disturbance}", **look)
        for line in bars[2]:
            line.set_linestyle(styles[run])
        if styles[run] != "-":
            bars[0].set_markerfacecolor("white")
        axes.hlines(rows["auc"], low, high, color=colors[disturbance], ls=styles[run], lw=1, alpha=0.5)
    if len(table):
        axes.set_xlim(table["low"].min(), table["high"].max())
    axes.set_ylim(top=min(1.0, np.nanmax(table["auc"]) + 0.05) if len(table) else 1)
