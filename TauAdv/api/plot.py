"""``ta.plot``: figures of what ``ta.closure`` and ``ta.roc`` measure, in the style of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from TauAdv.api.measures import Given, table_and_contributions
from TauAdv.arguments import checked
from TauAdv.evaluation.measures.roc import RocCurve
from TauAdv.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


__all__ = ["closure", "roc", "save"]


@checked
def closure(
    predictions: pd.DataFrame | Run,
    contributions: Given = None,
    *,
    column: str = "Djet",
    bins: PositiveInt = 40,
    value_range: tuple[float, float] = (0.0, 1.0),
    **look: Any,
) -> Figure:
    """Return data on the stack of simulation, and their ratio below.

    Args:
        predictions: as :func:`TauAdv.closure` takes them.
        contributions: as :func:`TauAdv.closure` takes them.
        column: score.
        bins: number of equal bins.
        value_range: of the score.
        look: ``title``, ``ratio_range``, ``log``, ``notes`` of :func:`TauAdv.plotting.closure.plot_closure`.

    Raises:
        InputError: missing columns, contributions that are not known, or scores that are not finite.
    """
    from TauAdv.evaluation.measures.histograms import fill_histograms
    from TauAdv.plotting.closure import plot_closure

    table, known = table_and_contributions(predictions, contributions)
    return plot_closure(fill_histograms(table, column, known, bins=bins, value_range=value_range), known, **look)


@checked
def roc(curves: Mapping[str, RocCurve] | RocCurve, reference: str | None = None, **look: Any) -> Figure:
    """Return curves of misidentification against efficiency, and their ratio to one of them below.

    Args:
        curves: one, or label -> curve, all at the same efficiencies.
        reference: label of the curve that the others are divided by; default: the first.
        look: ``title``, ``background``, ``signal`` and others of :func:`TauAdv.plotting.roc.plot_roc`.

    Raises:
        InputError: no curves, no curve of that label, or curves at different efficiencies.
    """
    from TauAdv.errors import InputError
    from TauAdv.plotting.roc import plot_roc

    drawn = dict(curves) if isinstance(curves, Mapping) else {"tagger": curves}
    first = next(iter(drawn), None) if reference is None else reference
    if first not in drawn:
        msg = f"reference '{reference}': expected one of the curves {', '.join(drawn)}" if drawn else "curves: expected one"
        raise InputError(msg)
    if apart := [label for label, curve in drawn.items() if not np.array_equal(curve.efficiency, drawn[first].efficiency)]:
        msg = f"curve '{apart[0]}' is at other efficiencies than '{first}'; expected ta.roc(..., efficiencies=...) alike"
        raise InputError(msg)
    return plot_roc(drawn, str(first), **look)


@checked
def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Save a figure as ``name``.pdf and ``name``.png in a folder, which is made if needed, and close it; return the paths.

    Raises:
        OutputExistsError: a file of that name is there that is not ours.
    """
    from TauAdv.plotting.style import save_figure

    return save_figure(figure, folder, name)
