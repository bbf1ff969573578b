"""What adaptation costs on labelled taus: misidentification at fixed efficiency, and efficiency at fixed misidentification.

Both are taken for all taus and in bins of a variable; the threshold is found in each bin, so that models are compared at the
same efficiency there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import RankedScores, bootstrap_counts
from TauAdv.evaluation.measures.closure_bins import BinAxis
from TauAdv.evaluation.measures.statistics import Efficiency, efficiency, weighted_quantile
from TauAdv.evaluation.predictions.columns import finite_column, probability_column, require_columns
from TauAdv.evaluation.predictions.scores import score_against

__all__ = ["EFFICIENCY", "INCLUSIVE", "MIS_ID", "Price", "measure_price", "with_ratios"]

INCLUSIVE = "all"
MIS_ID, EFFICIENCY = "mis-id at efficiency", "efficiency at mis-id"
_TAU = TAU_CLASSES.index("tau")
_FEWEST = 20  # rows of either class in a bin

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Price:
    """Figures of one model.

    Attributes:
        table: a row for each ``background``, ``variable``, ``bin``, ``quantity`` (``mis-id at efficiency``, ``efficiency at
            mis-id``) and value ``at`` which the other is fixed: ``value`` with its 68 % Clopper-Pearson interval ``low``,
            ``high``, the bootstrap ``error`` with the one of the threshold in it
            (the length of the interval where no sample differs), ``passed`` (rows that pass) and ``rows``
            (of the class whose part it is). NaN where a bin has fewer than 20 rows of either class.
        samples: the values in bootstrap samples [rows of the table, samples]: the same rows for all models.
    """

    table: pd.DataFrame
    samples: Floats


def measure_price(
    test: pd.DataFrame,
    efficiencies: Sequence[float],
    mis_ids: Sequence[float],
    axes: Sequence[BinAxis] = (),
    *,
    samples: int = 200,
    seed: int = 1,
) -> Price:
    """Return the figures of a model against every background that a labelled test set has.

    Args:
        test: prediction table with y (number of the class), weights, the probabilities, and the columns of the axes.
        efficiencies: of genuine taus.
        mis_ids: of the background.
        axes: variables in whose bins figures are taken too.
        samples: of the bootstrap.
        seed: of the bootstrap; models are compared on the same samples.

    Raises:
        InputError: missing columns, no genuine taus, values that are not finite.
    """
    probabilities = [f"p_{name}" for name in TAU_CLASSES]
    require_columns(test, ["y", "weights", *probabilities, *(axis.column for axis in axes)])
    label, weights = test["y"].to_numpy(), finite_column(test, "weights")
    values = np.stack([probability_column(test, name) for name in probabilities], axis=1)
    taus = label == _TAU
    if not taus.any():
        msg = "price: no genuine taus in the test set"
        raise InputError(msg)
    rows, drawn = [], []
    for number, background in enumerate(TAU_CLASSES):
        if number == _TAU or not (label == number).any():
            continue
        score = score_against(values, background)
        for variable, name, chosen in _bins(test, axes):
            sides = (np.flatnonzero(chosen & taus), np.flatnonzero(chosen & (label == number)))
            for quantity, at, found, of_samples in _figures(score, weights, sides, efficiencies, mis_ids, samples, seed):
                rows.append((background, variable, name, quantity, at, *found))
                drawn.append(of_samples)
    columns = ["background", "variable", "bin", "quantity", "at", "value", "low", "high", "error", "passed", "rows"]
    return Price(pd.DataFrame(rows, columns=columns), np.array(drawn).reshape(len(rows), samples))


def _bins(test: pd.DataFrame, axes: Sequence[BinAxis]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    yield INCLUSIVE, INCLUSIVE, np.ones(len(test), bool)
    for axis in axes:
        of_row, names = axis.bins_of(test)
        for number, name in enumerate(names):
            yield axis.name, name, of_row == number


def _figures(
    score: Floats,
    weights: Floats,
    sides: tuple[NDArray[np.intp], NDArray[np.intp]],
    efficiencies: Sequence[float],
    mis_ids: Sequence[float],
    samples: int,
    seed: int,
) -> Iterator[tuple[str, float, tuple[float, ...], Floats]]:
    """Yield quantity, what is fixed, (value, low, high, error, passed, rows) and the values in samples."""
    taus, others = sides
    fixed = ((MIS_ID, efficiencies, taus, others), (EFFICIENCY, mis_ids, others, taus))
    if min(map(len, sides)) < _FEWEST or any(weights[side].sum() <= 0 or weights[side].min() < 0 for side in sides):
        for quantity, wanted, _, counted in fixed:
            nothing = (np.nan, np.nan, np.nan, np.nan, 0, len(counted))
            yield from ((quantity, at, nothing, np.full(samples, np.nan)) for at in wanted)
        return
    drawn = _samples(score, weights, sides, (efficiencies, mis_ids), samples, seed)
    for (quantity, wanted, of_cut, counted), of_samples in zip(fixed, drawn, strict=True):
        cuts = weighted_quantile(score[of_cut], 1 - np.asarray(wanted), weights[of_cut])
        for at, cut, values in zip(wanted, cuts, of_samples, strict=True):
            found = efficiency(score[counted] > cut, weights[counted])
            error = _error(values, found)
            yield quantity, at, (found.value, found.low, found.high, error, found.passed, len(counted)), values


def _error(values: Floats, found: Efficiency) -> float:
    """Return the spread over samples; where none or all pass in each of them, the length of the interval."""
    spread = float(np.nanstd(values))
    return spread if spread > 0 else found.high - found.low


def _samples(
    score: Floats,
    weights: Floats,
    sides: tuple[NDArray[np.intp], NDArray[np.intp]],
    wanted: tuple[Sequence[float], Sequence[float]],
    samples: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """Return misidentification at efficiencies, and efficiency at misidentifications, in samples [wanted, samples]."""
    ranked = RankedScores.of(*(score[side] for side in sides))
    rows = np.sort(np.concatenate(sides))
    places = [np.searchsorted(rows, side) for side in sides]
    found = tuple(np.full((len(each), samples), np.nan) for each in wanted)
    for sample, counts in enumerate(bootstrap_counts(len(rows), samples, seed)):
        drawn = [weights[side] * counts[place] for side, place in zip(sides, places, strict=True)]
        ranks = (ranked.signal, ranked.background)
        up_to = [np.cumsum(np.bincount(rank, side, ranked.size)) for rank, side in zip(ranks, drawn, strict=True)]
        if min(side[-1] for side in up_to) > 0:
            for place, (of_cut, counted) in enumerate((up_to, up_to[::-1])):
                # a hair below, as in the quantiles of RankedScores
                cuts = np.searchsorted(of_cut, (1 - np.asarray(wanted[place]) - 1e-12) * of_cut[-1])
                found[place][:, sample] = 1 - counted[np.minimum(cuts, ranked.size - 1)] / counted[-1]
    return found[0], found[1]


def with_ratios(price: Price, reference: Price | None) -> pd.DataFrame:
    """Return the table with ``ratio`` to a reference and its ``ratio_error``, from samples of the same rows.

    Of the reference itself (``None``) the ratio is 1 without error. NaN where the reference has no rows that pass.
    """
    if reference is None:
        return price.table.assign(ratio=np.where(price.table["value"].notna(), 1.0, np.nan), ratio_error=0.0)
    other = reference.table["value"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(other > 0, price.table["value"].to_numpy() / other, np.nan)
        of_samples = np.where(reference.samples > 0, price.samples / reference.samples, np.nan)
    known = np.isfinite(of_samples).sum(axis=1) > 1
    error = np.full(len(ratio), np.nan)
    error[known] = np.nanstd(of_samples[known], axis=1)
    return price.table.assign(ratio=ratio, ratio_error=np.where(np.isfinite(ratio), error, np.nan))
