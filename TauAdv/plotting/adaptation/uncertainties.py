"""Uncertainties of a result, apart and together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.style import add_legend_below, head_figure, style

__all__ = ["plot_uncertainties"]

_SMALL: dict[Any, Any] = {
    "font.size": 13,
    "axes.labelsize": 14,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "ytick.minor.visible": False,
}


def plot_uncertainties(
    sources: Mapping[str, Mapping[str, float]], *, together: str = "together", what: str = "", title: str = ""
) -> Figure:
    """Return a bar for each source and run, the largest source on top, what they make together below a line.

    Args:
        sources: label of a run -> source -> uncertainty (one standard deviation); NaN, an unknown one, is not drawn.
        together: the source that is the sum of all.
        what: the result whose uncertainty is drawn, for the axis.
        title: text above the figure.
    """
    apart = list(dict.fromkeys(name for found in sources.values() for name in found if name != together))
    apart.sort(key=lambda name: -max(np.nan_to_num(found.get(name, np.nan)) for found in sources.values()))
    names = [*apart, *([together] if any(together in found for found in sources.values()) else [])]
    colors, height = run_colors(list(sources)), 0.75 / len(sources)
    with style(), pyplot.rc_context(_SMALL):
        figure, axes = pyplot.subplots(figsize=(9, 2.2 + 0.55 * len(names)), layout="constrained")
        for number, (label, found) in enumerate(sources.items()):
            values = np.array([found.get(name, np.nan) for name in names], np.float64)
            places = np.arange(len(names)) + height * (number - (len(sources) - 1) / 2)
            axes.barh(places, np.nan_to_num(values), 0.95 * height, color=colors[label], label=label)
        if together in names and apart:
            axes.axhline(len(apart) - 0.5, color="0.4", lw=1)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"Uncertainty of {what}" if what else "Uncertainty")
        head_figure(figure, title)
        add_legend_below(figure, axes)
    return figure
