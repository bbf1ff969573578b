"""Scale factors against pt, a panel for each decay mode."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from TauAdv.errors import InputError, nearest
from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.style import label_figure, style

__all__ = ["plot_scale_factors"]

_WIDTH = 0.6  # of a bin, shared by the runs


def plot_scale_factors(
    tables: Mapping[str, pd.DataFrame],
    working_point: str,
    *,
    against: str = "jet",
    title: str = "",
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """Return the scale factors of a working point, runs beside each other in every bin.

    Bars are the whole uncertainty, their inner part is statistical. Bins without a measurement are empty.

    Args:
        tables: run -> table of scale factors (:func:`TauAdv.evaluation.scale_factors.tables.as_table`).
        working_point: name.
        against: background.
        title: text above the plot.
        colors: run -> colour; default those of :func:`run_colors`.

    Raises:
        InputError: no table has the working point.
    """
    chosen = {
        label: table[(table["working_point"] == working_point) & (table["against"] == against) & ~table["inclusive"]]
        for label, table in tables.items()
    }
    if not any(len(table) for table in chosen.values()):
        known = list(dict.fromkeys(name for table in tables.values() for name in table["working_point"]))
        msg = f"scale factors: no working point '{working_point}'{nearest(working_point, known)} against {against}"
        raise InputError(f"{msg}; there are {', '.join(known)}")
    modes = list(dict.fromkeys(mode for table in chosen.values() for mode in table["decay_modes"]))
    colors = colors or run_colors(list(chosen))
    with style():
        figure, axes = pyplot.subplots(
            len(modes), 1, sharex=True, squeeze=False, figsize=(8, 2 + 2.2 * len(modes)), gridspec_kw={"hspace": 0.1}
        )
        for panel, mode in zip(axes[:, 0], modes, strict=True):
            for number, (label, table) in enumerate(chosen.items()):
                shift = _WIDTH * ((number + 0.5) / len(chosen) - 0.5)
                _points(panel, table[table["decay_modes"] == mode], shift, colors[label], label)
            panel.axhline(1, color="0.4", lw=1, ls="--", zorder=0)
            panel.set_ylabel("Scale factor", loc="center", size=15)
            panel.margins(y=0.3)  # free of points where the text is
            modes_text = f"decay mode {mode.replace(' ', ', ')}"
            panel.text(0.04, 0.95, modes_text, transform=panel.transAxes, va="top", size=14)
        bottom = axes[-1, 0]
        first = next(iter(chosen.values()))
        bottom.set_xticks(*_ticks(first[first["decay_modes"] == modes[0]]))
        bottom.minorticks_off()
        bottom.set_xlabel("$p_T$ (GeV)")
        label_figure(axes[0, 0], title or f"{working_point} against {against}")
        axes[0, 0].legend(ncols=len(chosen), loc="upper left", bbox_to_anchor=(0, 1.35), borderaxespad=0)
    return figure


def _points(axes: Axes, table: pd.DataFrame, shift: float, color: str, label: str) -> None:
    x, y = np.arange(len(table)) + shift, table["scale_factor"].to_numpy(float)
    total, statistical = (table[name].to_numpy(float) for name in ("error", "statistical_error"))
    axes.errorbar(x, y, yerr=total, fmt="none", ecolor=color, elinewidth=1)
    axes.errorbar(x, y, yerr=statistical, fmt="o", color=color, markersize=5, elinewidth=2.5, label=label)


def _ticks(table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return places and labels of the bins of pt."""
    ends = zip(table["pt_low"], table["pt_high"], strict=True)
    return np.arange(len(table)), [f"> {low:g}" if np.isinf(high) else f"{low:g} - {high:g}" for low, high in ends]
