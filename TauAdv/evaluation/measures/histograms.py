"""Histograms and moments of a prediction table, by contribution."""

from __future__ import annotations

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.contributions.contribution import Contribution, data_id
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, require_columns
from TauAdv.tuples.axes import Axis

__all__ = ["fill_histograms", "moments"]


def fill_histograms(
    table: pd.DataFrame,
    column: str,
    contributions: list[Contribution],
    *,
    bins: int,
    value_range: tuple[float, float],
    label: str = "",
) -> hist.Hist:
    """Return a histogram of a column with the axes (contribution, value), sums of weights and of squared weights.

    The upper end of the range belongs to the last bin. Data has weight 1, simulation the weight of the table.

    Args:
        table: prediction table.
        column: column to fill, for example ``"Djet"``.
        contributions: what the dataset ids stand for.
        bins: number of equal bins.
        value_range: lower and upper end.
        label: text of the axis.

    Raises:
        InputError: missing columns, rows of an unknown contribution, or values that are not finite.
    """
    require_columns(table, [column, "weights", "dataset_id"])
    check_rows(table, contributions)
    names = hist.axis.StrCategory([entry.name for entry in contributions], name="contribution")
    axis = Axis.equal_bins(bins, *value_range)
    filled = hist.Hist(names, axis.as_hist(name="value", label=label or column), storage=hist.storage.Weight())
    view = filled.view(flow=True)
    for number, entry in enumerate(contributions):
        rows = table[table["dataset_id"] == entry.dataset_id]
        content = finite_column(rows, column)
        weights = np.ones(len(rows)) if entry.data else finite_column(rows, "weights")
        at = np.where(content == value_range[1], bins, axis.find(content))
        view.value[number], view.variance[number] = (np.bincount(at, w, bins + 2) for w in (weights, weights**2))
    return filled


def moments(table: pd.DataFrame, column: str, contributions: list[Contribution]) -> dict[str, tuple[Measured, Measured]]:
    """Return mean and width (standard deviation) of a column, with errors, for ``"data"`` and ``"MC"`` (weighted).

    Raises:
        InputError: missing columns, unknown contributions, a side without rows.
    """
    require_columns(table, [column, "weights", "dataset_id"])
    check_rows(table, contributions)
    is_data = (table["dataset_id"] == data_id(contributions)).to_numpy()
    values, weights = (finite_column(table, name) for name in (column, "weights"))
    return {
        "data": _mean_and_width(values[is_data], np.ones(int(is_data.sum()))),
        "MC": _mean_and_width(values[~is_data], weights[~is_data]),
    }


def _mean_and_width(values: NDArray, weights: NDArray) -> tuple[Measured, Measured]:
    if not len(values) or weights.sum() <= 0:
        msg = "mean and width: a side has no rows, or weights that do not sum to something positive"
        raise InputError(msg)
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    fourth = np.average((values - mean) ** 4, weights=weights)
    effective = weights.sum() ** 2 / np.sum(weights**2)
    width_error = np.sqrt(max(fourth - variance**2, 0) / (4 * variance * effective)) if variance else 0.0
    width = float(np.sqrt(variance))
    return Measured(float(mean), float(width / np.sqrt(effective))), Measured(width, float(width_error))
