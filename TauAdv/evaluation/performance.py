"""Performance of a tagger on labelled taus: ROC curve, AUC and misidentification at fixed efficiency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError
from TauAdv.evaluation.statistics import Efficiency, efficiency, weighted_quantile

__all__ = ["MisId", "RocCurve", "mis_id_at", "roc_curve"]


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
        InputError: an efficiency outside (0, 1), an empty side, negative weights of signal.
    """
    if not 0 < wanted < 1:
        msg = f"signal efficiency: expected a value between 0 and 1, received {wanted}"
        raise InputError(msg)
    signal, background = np.asarray(signal), np.asarray(background)
    weights = np.ones(len(signal)) if signal_weights is None else np.asarray(signal_weights, dtype=np.float64)
    effective = weights.sum() ** 2 / np.sum(weights**2) if weights.any() else 1.0
    spread = np.sqrt(wanted * (1 - wanted) / effective)
    quantiles = 1 - np.clip([wanted, wanted - spread, wanted + spread], 0, 1)
    central, tighter, looser = weighted_quantile(signal, quantiles, signal_weights)
    found = efficiency(background > central, background_weights)
    moved = [efficiency(background > cut, background_weights).value for cut in (tighter, looser)]
    return MisId(wanted, float(central), found, abs(moved[1] - moved[0]) / 2)


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
        InputError: an efficiency outside (0, 1), an empty side, negative weights of signal.
    """
    wanted = np.asarray(np.arange(0.1, 0.995, 0.01) if points is None else points, dtype=np.float64)
    if np.any((wanted <= 0) | (wanted >= 1)):
        msg = f"signal efficiencies: expected values between 0 and 1, received {wanted.min()} to {wanted.max()}"
        raise InputError(msg)
    background = np.asarray(background)
    cuts = weighted_quantile(signal, 1 - wanted, signal_weights)
    found = [efficiency(background > cut, background_weights) for cut in cuts]
    columns = (np.array([getattr(point, name) for point in found]) for name in ("value", "low", "high"))
    return RocCurve(wanted, *columns)
