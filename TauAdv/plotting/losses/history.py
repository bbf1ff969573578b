"""Losses of trainings against the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from TauAdv.plotting.plot_styles import line_styles, run_colors
from TauAdv.plotting.style import add_legend_beside, label_figure, style

__all__ = ["plot_history"]

_SHOWN = ("loss", "val_loss", "val_attacked_loss", "adv_loss", "val_adv_loss")
_WORDS = {
    "loss": "training set",
    "val_loss": "validation set, clean",
    "val_attacked_loss": "validation set, attacked",
    "adv_loss": "domains, training",
    "val_adv_loss": "domains, validation",
}


def plot_history(table: pd.DataFrame, metrics: Sequence[str] | None = None, *, title: str = "") -> Figure:
    """Return losses against the epoch; the legend says of which inputs.

    Args:
        table: columns run, metric, epoch, value; where there is a column ``attacked`` (whether the run was trained on
            attacked inputs), the legend tells it of ``loss``.
        metrics: those to draw; default: the losses of training and validation set, clean and attacked, and of the
            domains, as far as they are there, else all.
        title: text above the figure.
    """
    known = list(dict.fromkeys(table["metric"]))
    wanted = list(metrics or [name for name in _SHOWN if name in known] or known)
    styles = line_styles(wanted)
    with style():
        figure, axes = pyplot.subplots(figsize=(8, 6.5))
        for run, color in run_colors(list(table["run"])).items():
            for metric in wanted:
                rows = table[(table["run"] == run) & (table["metric"] == metric)].sort_values("epoch")
                if rows.empty:
                    continue
                look: dict[str, Any] = {"ls": styles[metric], "color": color, "lw": 2}
                label = f"{run}: {_label(metric, rows)}"
                axes.plot(rows["epoch"], rows["value"], marker="o" if len(rows) == 1 else None, label=label, **look)
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        add_legend_beside(axes)
        label_figure(axes, title)
    return figure


def _label(metric: str, rows: pd.DataFrame) -> str:
    """Return the name of a metric, and which inputs it is of."""
    words = _WORDS.get(metric)
    if metric == "loss" and "attacked" in rows:
        words = f"{words}, {'attacked' if rows['attacked'].iloc[0] else 'clean'}"
    return metric if words is None else f"{metric} ({words})"
