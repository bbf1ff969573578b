"""Misidentification of a background at a fixed signal efficiency, and its ratio between two models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.roc import scores_of_sides
from TauAdv.evaluation.measures.statistics import Efficiency, Measured, efficiency, weighted_quantile

__all__ = ["MisId", "mis_id_at", "mis_id_ratio"]


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
    signal, background = scores_of_sides(signal, background)
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
    alike; thresholds are found anew in every sample. Where no background passes for the tested model, it is the upper end of
    the Clopper-Pearson interval over the reference.

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
    models = [scores_of_sides(*model) for model in (tested, reference)]
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
    if central[0] == 0:  # no sample can differ from that
        return Measured(0.0, mis_id_at(wanted, *models[0], *given).mis_id.high / central[1])
    return Measured(central[0] / central[1], float(np.std(ratios)))


def _passing(wanted: float, signal: NDArray, background: NDArray, weights_s: NDArray, weights_b: NDArray) -> float:
    cut = weighted_quantile(signal, 1 - wanted, weights_s)
    return float(weights_b[background > cut].sum() / weights_b.sum())
