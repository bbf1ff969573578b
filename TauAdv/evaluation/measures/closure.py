"""Closure: does the simulation describe the data? chi2/ndf and data/MC rate of a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt

from TauAdv.arguments import checked
from TauAdv.domain.contributions.contribution import Contribution, data_id, genuine_ids
from TauAdv.errors import InputError, shortened
from TauAdv.evaluation.measures.agreement import Agreement, Binned, agreement
from TauAdv.evaluation.measures.statistics import Measured, fraction_below, weighted_quantile
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, require_columns
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["ClosureTest", "closure_test", "genuine_quantile", "require_data_and_simulation", "top_edges"]


@dataclass(frozen=True)
class ClosureTest:
    """Agreement of data and simulation in a range of the score.

    Attributes:
        chi2: sum over bins of (data - MC)² / variance, the statistical error of both included.
        ndf: number of bins that hold data or MC.
        rate: data / MC in the whole range, with its statistical error.
        overall: data / MC of all rows before any normalisation.
        edges: bin edges; the outer ones may be infinite.
        agreement: p-value and smallest shift that would have been seen; ``None`` if simulation was not normalised.
    """

    chi2: float
    ndf: int
    rate: Measured
    overall: Measured
    edges: tuple[float, ...]
    agreement: Agreement | None = None

    def __str__(self) -> str:
        return f"chi2/ndf = {self.chi2:.1f}/{self.ndf} = {self.chi2_per_ndf:.2f}, data/MC = {self.rate:.3f}"

    @property
    def chi2_per_ndf(self) -> float:
        """chi2/ndf; 1 is expected of a perfect description."""
        return self.chi2 / self.ndf


def top_edges(
    score: ArrayLike, weights: ArrayLike | None = None, *, fraction: float = 0.5, bins: int = 20
) -> NDArray[np.float64]:
    """Return edges of the region with the top ``fraction`` of genuine taus, in bins that hold equal shares of them.

    Args:
        score: score of genuine taus in the nominal simulation.
        weights: their weights.
        fraction: part of them in the region; 1 takes the whole range.
        bins: number of bins; fewer are returned where the score saturates and edges coincide.

    Returns:
        Edges, the last one infinite (for ``fraction=1`` the first one minus infinite).

    Raises:
        InputError: no genuine taus, negative weights, or a fraction outside (0, 1].
    """
    if not 0 < fraction <= 1:
        msg = f"fraction of genuine taus: expected a value in (0, 1], received {fraction}"
        raise InputError(msg)
    inner = weighted_quantile(score, np.linspace(1 - fraction, 1, bins + 1), weights)
    inner[-1] = np.inf
    if fraction == 1:
        inner[0] = -np.inf
    return np.unique(inner)


@checked
def closure_test(
    table: pd.DataFrame,
    contributions: list[Contribution],
    *,
    column: str = "Djet",
    fraction: float = 0.5,
    bins: PositiveInt = 20,
    normalise: bool = True,
    edges: ArrayLike | None = None,
    **options: float,
) -> ClosureTest:
    """Compare data with simulation in the top part of the score.

    The region is defined by the genuine taus of the simulation: their top ``fraction`` in this score, in ``bins`` bins of
    equal population, so that models whose scores differ in scale are asked about the same taus.

    Args:
        table: prediction table with Djet (or ``column``), weights, dataset_id.
        contributions: what the dataset ids stand for.
        column: score.
        fraction: part of the genuine taus in the region.
        bins: number of bins.
        normalise: scale all simulation together such that its total equals that of data; what is tested is then the
            score and not the yield.
        edges: use these bins instead.
        options: significance, power and relevant_shift of :func:`TauAdv.evaluation.measures.agreement.agreement`.

    Raises:
        InputError: missing columns, unknown contributions, no data, no simulation, scores or weights that are not finite.
    """
    require_columns(table, [column, "weights", "dataset_id"])
    dataset_id = table["dataset_id"].to_numpy()
    check_rows(table, contributions)
    score = finite_column(table, column)
    is_data = dataset_id == data_id(contributions)
    weights = np.where(is_data, 1.0, finite_column(table, "weights"))
    overall = _overall_rate(weights[is_data], weights[~is_data])
    if normalise:
        weights = np.where(is_data, weights, weights * overall.value)
    if edges is None:
        genuine = np.isin(dataset_id, genuine_ids(contributions))
        if not genuine.any():
            msg = f"closure: no genuine taus (dataset_id {genuine_ids(contributions)}): they define the region of the test"
            raise InputError(msg)
        edges = top_edges(score[genuine], weights[genuine], fraction=fraction, bins=bins)
    edges = _rising(edges)
    data, mc = ((score[part], weights[part]) for part in (is_data, ~is_data))
    chi2, ndf = _chi2(*_binned(*data, edges), *_binned(*mc, edges))
    rate = _rate(data, mc, edges, normalise)
    found = _agreement(data, mc, edges, **options) if normalise else None
    return ClosureTest(chi2, ndf, rate, overall, tuple(edges.tolist()), found)


def _rising(edges: ArrayLike) -> NDArray[np.float64]:
    found = numbers(as_array(edges, "edges"), "edges").astype(np.float64)
    if found.ndim != 1 or len(found) < 2 or not np.all(np.diff(found) > 0):
        msg = f"closure: edges: expected at least two rising numbers; received {shortened(found.tolist())}"
        raise InputError(msg)
    return found


def genuine_quantile(table: pd.DataFrame, contributions: list[Contribution], column: str = "Djet") -> NDArray[np.float64]:
    """Return for every row the part of the genuine simulated taus (by weight) that score below it.

    In this variable genuine taus are flat between 0 and 1 for any model, so that models can be drawn on the same axis; the
    region of :func:`closure_test` is its upper end.

    Raises:
        InputError: missing columns, values that are not finite, or no genuine taus.
    """
    require_columns(table, [column, "weights", "dataset_id"])
    genuine = table["dataset_id"].isin(genuine_ids(contributions)).to_numpy()
    score, weights = (finite_column(table, name) for name in (column, "weights"))
    if weights[genuine].sum() <= 0:
        msg = f"closure: no genuine taus with weight (dataset_id {genuine_ids(contributions)})"
        raise InputError(msg)
    return fraction_below(score, score[genuine], weights[genuine])


def require_data_and_simulation(is_data: NDArray[np.bool_], weights: NDArray[np.float64]) -> None:
    """Refuse a table of one side only.

    Raises:
        InputError: no data, or simulation whose weights do not sum to something positive.
    """
    _overall_rate(np.ones(int(is_data.sum())), weights[~is_data])


def _agreement(data: tuple[NDArray, NDArray], mc: tuple[NDArray, NDArray], edges: NDArray, **options: float) -> Agreement:
    """Test all taus, those below and above the edges in bins of their own."""
    count = len(edges) + 1
    at = [np.searchsorted(edges, score, side="right") for score, _ in (data, mc)]
    mc_sum, squares = (np.bincount(at[1], mc[1] ** power, count).astype(np.float64) for power in (1, 2))
    inside = (np.arange(count) > 0) & (np.arange(count) < count - 1)
    if not any(np.any((number == 0) | (number == count - 1)) for number in at):
        inside &= np.arange(count) > count // 2  # a fraction of all taus is 1: that of the upper half of the bins is not
    counts = np.bincount(at[0], minlength=count).astype(np.float64)
    return agreement(Binned(counts, mc_sum, squares), inside, **options)


def _overall_rate(data: NDArray, mc: NDArray) -> Measured:
    for name, weights in (("data", data), ("simulation", mc)):
        if weights.sum() <= 0:
            msg = f"closure: {name} has {len(weights)} rows of total weight {weights.sum()}; both data and MC are needed"
            raise InputError(msg)
    rate = data.sum() / mc.sum()
    return Measured(float(rate), float(rate * np.hypot(*(np.sqrt(np.sum(w**2)) / w.sum() for w in (data, mc)))))


def _binned(score: NDArray, weights: NDArray, edges: NDArray) -> tuple[NDArray, NDArray]:
    index = np.searchsorted(edges, score, side="right") - 1
    inside = (index >= 0) & (index < len(edges) - 1)
    index, weights = index[inside], weights[inside]
    count = len(edges) - 1
    return np.bincount(index, weights, count), np.bincount(index, weights**2, count)


def _chi2(data: NDArray, data_variance: NDArray, mc: NDArray, mc_variance: NDArray) -> tuple[float, int]:
    """chi2 and number of filled bins; a bin without data takes the variance that the simulation lets expect."""
    variance = np.where(data > 0, data_variance, np.maximum(mc, 0)) + mc_variance
    filled = variance > 0
    if not filled.any():
        msg = "closure: neither data nor simulation in the tested range of the score"
        raise InputError(msg)
    return float(np.sum((data - mc)[filled] ** 2 / variance[filled])), int(filled.sum())


def _rate(data: tuple[NDArray, NDArray], mc: tuple[NDArray, NDArray], edges: NDArray, normalised: bool) -> Measured:
    """Data over MC inside the edges; if normalised, the errors are those of fractions of the totals."""
    (data_sum, data_error), (mc_sum, mc_error) = (_sum_inside(*side, edges, normalised) for side in (data, mc))
    if mc_sum <= 0:
        msg = "closure: no simulation in the tested range of the score"
        raise InputError(msg)
    if data_sum == 0:
        return Measured(0.0, float(1 / mc_sum))  # one event, the usual scale of "none seen"
    rate = data_sum / mc_sum
    return Measured(float(rate), float(rate * np.hypot(data_error / data_sum, mc_error / mc_sum)))


def _sum_inside(score: NDArray, weights: NDArray, edges: NDArray, normalised: bool) -> tuple[float, float]:
    """Sum of weights inside the edges and its error, that of a fraction of a fixed total if normalised."""
    inside = (score >= edges[0]) & (score < edges[-1])
    total = weights[inside].sum()
    fraction = total / weights.sum() if normalised else 0.0
    squared = weights**2
    variance = (1 - fraction) ** 2 * squared[inside].sum() + fraction**2 * squared[~inside].sum()
    return float(total), float(np.sqrt(variance))
