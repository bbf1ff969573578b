"""Plots of jet variables per flavour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hist
import mplhep
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.domain.classes import class_colors, class_label
from TauAdv.plotting.style import fit_label, label_figure, style

__all__ = ["draw_flavours", "normalised", "plot_absent", "plot_flavours"]

_LABEL_SIZE = 12


def draw_flavours(axes: Axes, histogram: hist.Hist, *, density: bool = True, log: bool = False) -> None:
    """Draw a histogram with the axes (flavour, value) into a panel, one line a flavour; empty flavours are left out.

    Error bars are statistical: root of the sum of squared weights.

    Args:
        axes: panel.
        histogram: to draw.
        density: every flavour has area 1 (within the axis).
        log: logarithmic vertical axis.
    """
    for name, color in class_colors(histogram.axes[0]).items():
        one: Any = histogram[name, :]
        if np.any(one.values()):
            mplhep.histplot(
                one, ax=axes, density=density, label=class_label(name), color=color, yerr=False, linewidth=1.5, flow="none"
            )
            _draw_errors(axes, one, color, density=density)
    axes.set_xlabel(histogram.axes[1].label, loc="left")  # the right end is for a common power of ten
    axes.set_ylabel("1/N dN/dx of each flavour" if density else "jets / bin", loc="center")
    axes.set_xlim(histogram.axes[1].edges[0], histogram.axes[1].edges[-1])
    if not axes.get_lines() and not axes.patches:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center")
    elif log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def normalised(one: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1/N dN/dx of a histogram with one axis, and its statistical error; zeros for an empty one."""
    values, errors = one.values(), _errors(one)
    area = values.sum() * one.axes[0].widths
    return tuple(np.divide(each, area, out=np.zeros_like(values), where=area > 0) for each in (values, errors))


def _errors(one: Any) -> NDArray[np.float64]:
    """Return the statistical errors; zeros where sums of weights were kept without those of their squares."""
    variances = one.variances()
    return np.zeros_like(one.values()) if variances is None else np.sqrt(variances)


def _draw_errors(axes: Axes, one: Any, color: str, *, density: bool) -> None:
    values, errors = normalised(one) if density else (one.values(), _errors(one))
    filled = values > 0
    axes.errorbar(one.axes[0].centers[filled], values[filled], errors[filled], fmt="none", ecolor=color, elinewidth=0.8)


def plot_flavours(
    histograms: Sequence[hist.Hist], *, title: str = "", columns: int = 4, density: bool = True, log: bool = False
) -> Figure:
    """Return a figure with a panel for each histogram (see :func:`draw_flavours`) and one legend."""
    rows = -(-len(histograms) // columns)
    columns = min(columns, len(histograms))
    with (
        style(),
        pyplot.rc_context({"font.size": 12, "axes.labelsize": _LABEL_SIZE, "xtick.labelsize": 11, "ytick.labelsize": 11}),
    ):
        size = (4.2 * columns, 3.6 * rows)
        figure, panels = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
        figure.subplots_adjust(wspace=0.3, hspace=0.35)  # a layout engine takes seconds for many panels
        for panel in panels.flat[len(histograms) :]:
            panel.set_visible(False)
        for panel, histogram in zip(panels.flat, histograms, strict=False):
            draw_flavours(panel, histogram, density=density, log=log)
            fit_label(panel, panel.xaxis.label)
        for panel in panels[:, 1:].flat:
            panel.set_ylabel("")
        _add_legend(figure, panels[0, 0] if columns == 1 else None)
        label_figure(panels[0, 0], title if columns == 1 else "")
        if columns > 1:
            last = panels[0, -1]
            last.text(1, 1.01, title, transform=last.transAxes, ha="right", va="bottom", size=14)
    return figure


def _add_legend(figure: Figure, panel: Axes | None) -> None:
    """Add one legend: into the panel, or above the figure if there are several panels."""
    found = {label: line for each in figure.axes for line, label in zip(*each.get_legend_handles_labels(), strict=True)}
    if not found:
        return
    if panel is not None:
        panel.legend(found.values(), found.keys(), fontsize=12)
    else:
        position = (0.5, figure.subplotpars.top)
        figure.legend(
            found.values(), found.keys(), loc="lower center", bbox_to_anchor=position, ncols=len(found), fontsize=13
        )


def plot_absent(fractions: Mapping[str, float], *, title: str = "") -> Figure:
    """Return a figure with the fraction of jets that have no value, per column."""
    with style():
        figure, axes = pyplot.subplots(figsize=(8, 1.5 + 0.32 * len(fractions)))
        axes.barh(list(fractions), list(fractions.values()), color="#3f90da", height=0.7)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("fraction of jets without a value")
        axes.tick_params(axis="y", labelsize=12, which="both", left=False, right=False)
        label_figure(axes, title)
    return figure
