"""Performance of a tagger on labelled taus: ROC curve, AUC and misidentification at fixed efficiency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError, shortened
from TauAdv.evaluation.measures.statistics import (
    Efficiency,
    Measured,
    efficiencies,
    efficiency,
    finite_values,
    weighted_quantile,
)
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["MisId", "RocCurve", "mis_id_at", "mis_id_ratio", "roc_curve"]


@dataclass(frozen=True)
class MisId:
    """Misidentification of a background at one signal efficiency.

    Attributes:
        efficiency: wanted signal efficiency.
        threshold: cut on the score (score > threshold passes).
        mis_id: fraction of background that passes, with the statistical error of the background.
        threshold_error: error of the fraction that comes from the statistical error of the threshold (half the change
            when the efficiency moves by one standard deviation of the signal sample either way).
    """

    efficiency: float
    threshold: float
    mis_id: Efficiency
    threshold_error: float

    @property
    def error(self) -> float:
        """Total error: mean of the interval's two sides and the threshold's error in quadrature."""
        return float(np.hypot((self.mis_id.high - self.mis_id.low) / 2, self.threshold_error))


@dataclass(frozen=True)
class RocCurve:
    """Misidentification against efficiency on a grid of efficiencies.

    Attributes:
        efficiency: signal efficiencies, increasing.
        mis_id: background fraction at each, same shape.
        low: lower end of its 68 % interval.
        high: upper end.
    """

    efficiency: NDArray[np.float64]
    mis_id: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __str__(self) -> str:
        shown = np.linspace(0, len(self.efficiency) - 1, min(5, len(self.efficiency))).astype(int)
        at = ", ".join(f"{self.mis_id[row]:.3g} at {self.efficiency[row]:.2f}" for row in shown)
        return f"misidentification {at} (efficiency)"


def mis_id_at(
    wanted: float,
    signal: ArrayLike,
    background: ArrayLike,
    signal_weights: ArrayLike | None = None,
    background_weights: ArrayLike | None = None,
) -> MisId:
    """Return the misidentification where ``wanted`` of the signal passes.

    Args:
        wanted: signal efficiency, in (0, 1).
        signal: scores of signal.
        background: scores of background.
        signal_weights: weights of signal, default 1.
        background_weights: weights of background, default 1.

    Raises:
        InputError: an efficiency outside (0, 1), an empty side, scores that are not finite, negative weights of signal.
    """
    if not 0 < wanted < 1:
        msg = f"signal efficiency: expected a value between 0 and 1, received {wanted}"
        raise InputError(msg)
    signal, background = _scores(signal, background)
    weights = np.ones(len(signal)) if signal_weights is None else np.asarray(signal_weights, dtype=np.float64)
    effective = weights.sum() ** 2 / np.sum(weights**2) if weights.any() else 1.0
    spread = np.sqrt(wanted * (1 - wanted) / effective)
    quantiles = 1 - np.clip([wanted, wanted - spread, wanted + spread], 0, 1)
    central, tighter, looser = weighted_quantile(signal, quantiles, signal_weights)
    found = efficiency(background > central, background_weights)
    moved = [efficiency(background > cut, background_weights).value for cut in (tighter, looser)]
    return MisId(wanted, float(central), found, abs(moved[1] - moved[0]) / 2)


def mis_id_ratio(
    wanted: float,
    tested: tuple[ArrayLike, ArrayLike],
    reference: tuple[ArrayLike, ArrayLike],
    signal_weights: ArrayLike | None = None,
    background_weights: ArrayLike | None = None,
    *,
    samples: int = 200,
    seed: int = 1,
) -> Measured:
    """Return the ratio of two models' misidentification on the same test set, with an error that knows they share it.

    The error is the spread over bootstrap samples in which each row counts a Poisson(1) number of times, for both models
    alike; thresholds are found anew in every sample.

    Args:
        wanted: signal efficiency.
        tested: (signal, background) scores of the model in question.
        reference: the same of the model it is compared with, rows in the same order.
        signal_weights: weights of signal, default 1.
        background_weights: weights of background, default 1.
        samples: number of bootstrap samples.
        seed: of the bootstrap.

    Raises:
        InputError: as :func:`mis_id_at`, or no background of the reference passes.
    """
    models = [_scores(*model) for model in (tested, reference)]
    sizes = [len(side) for side in models[0]]
    given = [
        np.ones(size) if weights is None else np.asarray(weights, dtype=np.float64)
        for size, weights in zip(sizes, (signal_weights, background_weights), strict=True)
    ]
    central = [mis_id_at(wanted, *model, *given).mis_id.value for model in models]
    if central[1] == 0:
        msg = f"ratio of misidentification at {wanted:g}: no background passes for the reference; more test rows are needed"
        raise InputError(msg)
    rng = np.random.default_rng(seed)
    ratios = []
    for _ in range(samples):
        drawn = [weights * rng.poisson(1, size) for weights, size in zip(given, sizes, strict=True)]
        values = [_passing(wanted, *model, *drawn) for model in models]
        if values[1] > 0:
            ratios.append(values[0] / values[1])
    return Measured(central[0] / central[1], float(np.std(ratios)))


def _passing(wanted: float, signal: NDArray, background: NDArray, weights_s: NDArray, weights_b: NDArray) -> float:
    cut = weighted_quantile(signal, 1 - wanted, weights_s)
    return float(weights_b[background > cut].sum() / weights_b.sum())


def roc_curve(
    signal: ArrayLike,
    background: ArrayLike,
    signal_weights: ArrayLike | None = None,
    background_weights: ArrayLike | None = None,
    *,
    points: ArrayLike | None = None,
) -> RocCurve:
    """Return the ROC curve at the signal efficiencies ``points`` (default 0.1 to 0.99 in steps of 0.01).

    Raises:
        InputError: an efficiency outside (0, 1), an empty side, scores that are not finite, negative weights of signal.
    """
    what = "signal efficiencies"
    wanted = np.atleast_1d(numbers(as_array(np.arange(0.1, 0.995, 0.01) if points is None else points, what), what))
    if wanted.ndim != 1 or not len(wanted) or not np.all((wanted > 0) & (wanted < 1)):
        msg = f"{what}: expected a list of numbers between 0 and 1; received {shortened(wanted.tolist())}"
        raise InputError(msg)
    signal, background = _scores(signal, background)
    cuts = weighted_quantile(signal, 1 - wanted, signal_weights)
    return RocCurve(wanted.astype(np.float64), *efficiencies(background, cuts, background_weights))


def _scores(signal: ArrayLike, background: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return finite_values(signal, "scores of signal"), finite_values(background, "scores of background")
