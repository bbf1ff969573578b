"""Statistical tools of the evaluation: weighted quantiles and efficiencies, with statistical errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from TauAdv.errors import InputError
from TauAdv.evaluation.finite_values import finite_values

__all__ = [
    "Efficiency",
    "Measured",
    "efficiencies",
    "efficiency",
    "fraction_below",
    "used_weights",
    "weighted_quantile",
]

ONE_SIGMA = 0.6826894921370859


@dataclass(frozen=True)
class Measured:
    """A value and its statistical standard deviation."""

    value: float
    error: float

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec or '.3f'}} ± {self.error:{spec or '.3f'}}"

    def __str__(self) -> str:
        return format(self, "")


@dataclass(frozen=True)
class Efficiency:
    """A fraction with its 68 % Clopper-Pearson interval.

    Attributes:
        value: the (weighted) fraction that passes.
        low: lower end of the interval.
        high: upper end of the interval.
        passed: number of entries that pass, unweighted.
    """

    value: float
    low: float
    high: float
    passed: int

    def __str__(self) -> str:
        return f"{self.value:.4f} +{self.high - self.value:.4f} -{self.value - self.low:.4f}"


def used_weights(weights: ArrayLike | None, count: int, name: str) -> NDArray[np.float64]:
    """Return weights of rows [count]: those given, or ones.

    Raises:
        InputError: another number of weights, or weights without a positive sum.
    """
    values = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.shape != (count,):
        msg = f"weights of {name}: expected {count} values, received shape {list(values.shape)}"
        raise InputError(msg)
    if not np.all(np.isfinite(values)) or values.sum() <= 0:
        msg = (
            f"weights of {name}: expected finite values with a positive sum, received the sum {values.sum()} of {count} rows"
        )
        raise InputError(msg)
    return values


def weighted_quantile(values: ArrayLike, quantiles: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the values below or at which the given fractions of the weight lie (inverse of the cumulative distribution).

    Raises:
        InputError: no values, values that are not finite, or negative weights.
    """
    values = finite_values(values, "values of a quantile")
    weights = used_weights(weights, len(values), "a quantile")
    if np.any(weights < 0):
        msg = f"a quantile needs weights >= 0; {int((weights < 0).sum())} of {len(weights)} are negative"
        raise InputError(msg)
    # a hair below, so that 1 - 0.7 = 0.30000000000000004 is still found at the third of ten values
    wanted = np.clip(np.asarray(quantiles, dtype=np.float64) - 1e-12, 0, 1)
    return np.quantile(values, wanted, weights=weights, method="inverted_cdf")


def fraction_below(values: NDArray, reference: NDArray, weights: NDArray) -> NDArray[np.float64]:
    """Return the weighted fraction of ``reference`` below each value, ties counted half."""
    order = np.argsort(reference)
    cumulative = np.concatenate([[0.0], np.cumsum(weights[order])])
    below = cumulative[np.searchsorted(reference[order], values, side="left")]
    up_to = cumulative[np.searchsorted(reference[order], values, side="right")]
    return (below + up_to) / (2 * cumulative[-1])


def efficiency(passes: ArrayLike, weights: ArrayLike | None = None) -> Efficiency:
    """Return the weighted fraction that passes, with a 68 % Clopper-Pearson interval on effective counts.

    The effective number of trials is chosen such that the binomial variance equals the variance of the weighted fraction;
    where nothing or everything passes it is (sum w)² / sum w².

    Raises:
        InputError: no entries, or weights without a positive sum.
    """
    passes = np.asarray(passes, dtype=bool)
    value, low, high = efficiencies(passes, [0.5], weights)
    return Efficiency(float(value[0]), float(low[0]), float(high[0]), int(passes.sum()))


def efficiencies(
    scores: ArrayLike, cuts: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted fractions of scores above each cut and the ends of their intervals (see :func:`efficiency`).

    Raises:
        InputError: no entries, scores that are not finite, or weights without a positive sum.
    """
    scores, cuts = finite_values(scores, "scores of an efficiency"), np.asarray(cuts, dtype=np.float64)
    weights = used_weights(weights, len(scores), "an efficiency")
    order = np.argsort(-scores)  # sums start where few pass, so that small fractions are exact
    passed = np.searchsorted(-scores[order], -cuts, side="left")
    sums, squares = (np.concatenate([[0.0], np.cumsum(weights[order] ** power)]) for power in (1, 2))
    total, all_squares = sums[-1], squares[-1]
    value = np.clip(sums[passed] / total, 0, 1)
    variance = (squares[passed] * (1 - value) ** 2 + (all_squares - squares[passed]) * value**2) / total**2
    between = (value > 0) & (value < 1) & (variance > 0)
    trials = np.full_like(value, total**2 / all_squares)
    np.divide(value * (1 - value), variance, out=trials, where=between)
    return value, *_clopper_pearson(value * trials, trials)


def _clopper_pearson(passed: NDArray[np.float64], trials: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    tail = (1 - ONE_SIGMA) / 2
    failed = trials - passed
    with np.errstate(invalid="ignore"):
        low = np.where(passed > 0, beta.ppf(tail, passed, failed + 1), 0.0)
        high = np.where(failed > 0, beta.ppf(1 - tail, passed + 1, failed), 1.0)
    return low, high
