"""Matrices with their values written in: confusion of classes, transfer of attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.plotting.style import style

__all__ = ["plot_matrices"]

_SMALL: dict[Any, Any] = {"font.size": 13, "axes.labelsize": 15, "xtick.labelsize": 13, "ytick.labelsize": 13}
_COLUMNS = 4


def plot_matrices(
    matrices: Mapping[str, NDArray[np.float64]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_label: str,
    column_label: str,
    value_range: tuple[float, float],
    errors: Mapping[str, NDArray[np.float64]] | None = None,
    title: str = "",
) -> Figure:
    """Return a figure with a panel for each matrix [rows, columns], coloured by value.

    Args:
        matrices: heading -> matrix.
        rows: names of the rows, from top to bottom.
        columns: names of the columns.
        row_label: what rows are.
        column_label: what columns are.
        value_range: values of the ends of the colour scale.
        errors: heading -> errors, written under the values.
        title: text above the last panel of the first line.
    """
    across = min(_COLUMNS, len(matrices))
    down = -(-len(matrices) // across)
    with style(), pyplot.rc_context(_SMALL):
        size = (1.6 + 3.4 * across, 0.8 + 3.6 * down)
        figure, panels = pyplot.subplots(down, across, figsize=size, squeeze=False, layout="constrained")
        for panel in panels.flat[len(matrices) :]:
            panel.set_visible(False)
        for panel, (heading, values) in zip(panels.flat, matrices.items(), strict=False):
            image = panel.imshow(values, vmin=value_range[0], vmax=value_range[1], cmap="Blues", aspect="equal")
            _write(panel, values, value_range, None if errors is None else errors[heading])
            panel.set_xticks(range(len(columns)), columns)
            panel.set_yticks(range(len(rows)), rows, rotation=90, va="center")
            panel.tick_params(which="both", length=0)
            panel.minorticks_off()
            panel.set_xlabel(column_label)
            panel.text(0.5, 1.02, heading, transform=panel.transAxes, ha="center", va="bottom", size=14)
        for line in panels:
            line[0].set_ylabel(row_label)
        figure.colorbar(image, ax=panels, shrink=0.8)
        figure.suptitle(title, size=15, ha="center")
    return figure


def _write(panel: pyplot.Axes, values: NDArray, value_range: tuple[float, float], errors: NDArray | None) -> None:
    middle = sum(value_range) / 2
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        text = "-" if np.isnan(value) else f"{value:.3f}"
        if errors is not None:
            text += f"\n± {errors[row, column]:.3f}"
        panel.text(column, row, text, ha="center", va="center", size=12, color="white" if value > middle else "black")
