"""Closure above thresholds of a score: rate, chi2/ndf, KS distance and mean |1 - ratio|, with p-values and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, kstwobign

from TauAdv.domain.contributions.contribution import Contribution, data_id, genuine_ids
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.agreement import Agreement, Binned, agreement
from TauAdv.evaluation.measures.closure import require_data_and_simulation, top_edges
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.measures.toys import (
    Counts,
    Floats,
    counts_in,
    data_over_mc,
    deviations,
    draw_toys,
    enough,
    global_p_value,
    p_values,
    rank_p_values,
)
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, require_columns

__all__ = ["RegionClosure", "closure_in_regions", "regions_table"]


@dataclass(frozen=True)
class RegionClosure:
    """Agreement of data and simulation in a region of the score; simulation is scaled to the total of data.

    Attributes:
        name: of the region.
        threshold: taus with at least this score are in it.
        data: taus of data in it.
        mc: scaled sum of weights of simulation.
        rate: data/MC, with its statistical error.
        p_rate: p-value of the rate.
        chi2: sum over bins of (data - MC)² / variance, of bins with equal shares of genuine taus.
        ndf: number of bins that hold data or MC.
        p_chi2: its p-value.
        ks: largest distance of the cumulative distributions inside the region, at the edges of bins.
        p_ks: its p-value.
        mean_deviation: mean over the bins of |1 - data/MC|.
        expected_deviation: its mean in toys: what statistics alone give.
        p_mean_deviation: p-value of the mean deviation.
        agreement: the p-value of all four together (by toys), what shift of the rate would have been seen, and a verdict.
    """

    name: str
    threshold: float
    data: int
    mc: float
    rate: Measured
    p_rate: float
    chi2: float
    ndf: int
    p_chi2: float
    ks: float
    p_ks: float
    mean_deviation: float
    expected_deviation: float
    p_mean_deviation: float
    agreement: Agreement

    @property
    def chi2_per_ndf(self) -> float:
        """chi2/ndf; 1 is expected of a perfect description, NaN where there are no taus."""
        return self.chi2 / self.ndf if self.ndf else float("nan")


def closure_in_regions(
    table: pd.DataFrame,
    contributions: list[Contribution],
    regions: Mapping[str, float],
    *,
    column: str = "Djet",
    width: float = 0.025,
    samples: int = 1000,
    seed: int = 1,
    **options: float,
) -> list[RegionClosure]:
    """Compare data with simulation above thresholds of the score.

    p-values are the part of toys (:mod:`TauAdv.evaluation.measures.toys`) that deviate as much. Where no toy does, the
    asymptotic p-value of chi2 and of the KS distance is taken if it is smaller than what the number of toys can show.

    Args:
        table: prediction table with the score, weights, dataset_id.
        contributions: what the dataset ids stand for.
        regions: name -> threshold: taus with at least this score are in the region.
        column: score.
        width: of a bin, as a part of all genuine taus.
        samples: number of toys.
        seed: of the toys.
        options: significance, power and relevant_shift of :func:`TauAdv.evaluation.measures.agreement.agreement`.

    Raises:
        InputError: missing columns, unknown contributions, values that are not finite, no data, no genuine taus, simulation
            without positive weight.
    """
    require_columns(table, [column, "weights", "dataset_id"])
    check_rows(table, contributions)
    is_data = (table["dataset_id"] == data_id(contributions)).to_numpy()
    genuine = table["dataset_id"].isin(genuine_ids(contributions)).to_numpy()
    score, weights = (finite_column(table, name) for name in (column, "weights"))
    require_data_and_simulation(is_data, weights)
    edges = {name: _edges(score[genuine], weights[genuine], threshold, width) for name, threshold in regions.items()}
    lower = np.unique(np.concatenate([found[:-1] for found in edges.values()]))  # of cells; all below is the first cell
    counts = counts_in(np.searchsorted(lower, score, side="right"), is_data, weights, len(lower) + 1)
    toys = draw_toys(counts, samples, np.random.default_rng(seed))
    found = []
    for name, region_edges in edges.items():
        first = np.searchsorted(lower, region_edges[:-1]) + 1  # of the bins
        found.append(_region(name, float(region_edges[0]), first, counts, toys, options))
    return found


def regions_table(regions: list[RegionClosure]) -> pd.DataFrame:
    """Return a row for each region, with the columns of :class:`RegionClosure` and those of its agreement."""
    rows = []
    for region in regions:
        row = {key: value for key, value in vars(region).items() if key not in {"rate", "agreement"}}
        tested, (low, high) = region.agreement, region.agreement.seen
        row |= {"rate": region.rate.value, "rate_error": region.rate.error, "chi2_per_ndf": region.chi2_per_ndf}
        row |= {"p_value": tested.p_value, "seen_below": low, "seen_above": high, "verdict": tested.verdict}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.astype({name: float for name in ("p_value", "seen_below", "seen_above") if name in table})


def _edges(genuine: Floats, weights: Floats, threshold: float, width: float) -> Floats:
    """Return the edges of bins above a threshold that hold equal shares of genuine taus, about ``width`` of all."""
    if weights.sum() <= 0:
        msg = "closure in regions: no genuine taus with weight: they define the bins"
        raise InputError(msg)
    part = weights[genuine >= threshold].sum() / weights.sum()
    number = round(part / width)
    if number < 1:
        return np.array([threshold, np.inf])
    edges = top_edges(genuine, weights, fraction=min(number * width, 1.0), bins=number)
    return np.r_[threshold, edges[(edges > threshold) & np.isfinite(edges)], np.inf]


def _region(
    name: str, threshold: float, first: NDArray[np.intp], cells: Counts, toys: Counts, options: Mapping[str, float]
) -> RegionClosure:
    """Return the closure of a region whose bins begin with the cells ``first``; it reaches to the last cell."""
    inside, totals = (_region_counts(counts, first[0]) for counts in (cells, toys))
    rate, z = data_over_mc(*inside), deviations(*inside)
    p_rate, toys_p_rate = p_values(z[None], deviations(*totals)[:, None], np.atleast_1d(enough(*inside)))
    observed, ndf = _statistics(cells, first)
    drawn, _ = _statistics(toys, first)
    found, of_toys = rank_p_values(observed, drawn)
    number = _effective(inside[0])
    asymptotic = [chi2.sf(observed[0], max(int(ndf), 1)), kstwobign.sf(observed[1] * np.sqrt(number)), 1.0]
    smallest = 1 / (len(drawn) + 1)
    found = np.where((found <= smallest * 1.5) & (asymptotic < found), asymptotic, found)
    p_value = global_p_value(np.r_[p_rate, found], np.c_[toys_p_rate, of_toys])
    tested = agreement(Binned(cells.data, cells.mc, cells.squares), np.arange(len(cells.data)) >= first[0], **options)
    return RegionClosure(
        name=name,
        threshold=threshold,
        data=int(inside[0].data),
        mc=float(inside[0].mc * inside[1].data / inside[1].mc),
        rate=Measured(float(rate[0]), float(rate[1])),
        p_rate=float(p_rate[0]),
        chi2=float(observed[0]),
        ndf=int(ndf),
        p_chi2=float(found[0]),
        ks=float(observed[1]),
        p_ks=float(found[1]),
        mean_deviation=float(observed[2]),
        expected_deviation=float(drawn[:, 2].mean()),
        p_mean_deviation=float(found[2]),
        agreement=replace(tested, p_value=None if np.isnan(p_value) else p_value),
    )


def _region_counts(counts: Counts, first: int) -> tuple[Counts, Counts]:
    """Return what is in the cells from ``first`` on, and in all."""
    names = ("data", "mc", "squares")
    return (
        Counts(*(getattr(counts, name)[..., first:].sum(axis=-1) for name in names)),
        Counts(*(getattr(counts, name).sum(axis=-1) for name in names)),
    )


def _effective(inside: Counts) -> float:
    """Return n m / (n + m), with the effective number of simulated taus."""
    n, m = float(inside.data), float(inside.effective)
    return n * m / (n + m) if n + m else 0.0


def _statistics(cells: Counts, first: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return chi2, KS distance and mean |1 - ratio| [..., 3] of the bins of a region, and the number of filled bins."""
    total = cells.data.sum(axis=-1, keepdims=True)
    weight = cells.mc.sum(axis=-1, keepdims=True)
    scale = np.divide(total, weight, out=np.zeros_like(weight), where=weight > 0)
    data, mc, squares = (np.add.reduceat(values, first, axis=-1) for values in (cells.data, cells.mc, cells.squares))
    mc, squares = mc * scale, squares * scale**2
    variance = np.where(data > 0, data, np.maximum(mc, 0)) + squares
    filled = variance > 0
    parts = np.divide((data - mc) ** 2, variance, out=np.zeros_like(variance), where=filled)
    ratio = np.divide(data, mc, out=np.ones_like(mc), where=mc > 0)
    known = np.maximum((mc > 0).sum(axis=-1), 1)
    deviation = np.abs(1 - ratio).sum(axis=-1) / known
    return np.stack([parts.sum(axis=-1), _ks(data, mc), deviation], axis=-1), filled.sum(axis=-1)


def _ks(data: Floats, mc: Floats) -> Floats:
    sums = [np.cumsum(side, axis=-1) for side in (data, mc)]
    parts = [np.divide(side, side[..., -1:], out=np.zeros_like(side), where=side[..., -1:] > 0) for side in sums]
    found: Floats = np.abs(parts[0] - parts[1]).max(axis=-1)
    return found
