"""ROC curve of a tagger on labelled rows, and the area under it (AUC)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError, shortened
from TauAdv.evaluation.finite_values import finite_values
from TauAdv.evaluation.measures.statistics import Measured, efficiencies, fraction_below, used_weights, weighted_quantile
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["RocCurve", "auc", "roc_curve", "scores_of_sides"]


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
    signal, background = scores_of_sides(signal, background)
    cuts = weighted_quantile(signal, 1 - wanted, signal_weights)
    return RocCurve(wanted.astype(np.float64), *efficiencies(background, cuts, background_weights))


def auc(
    signal: ArrayLike,
    background: ArrayLike,
    signal_weights: ArrayLike | None = None,
    background_weights: ArrayLike | None = None,
) -> Measured:
    """Return the area under the ROC curve and its error.

    The error is that of DeLong et al. (Biometrics 44, 1988, 837), with weights: the variance of the mean over signal of the
    fraction of background below it, plus the same with the parts exchanged. Ties count half.

    Args:
        signal: scores of signal.
        background: scores of background.
        signal_weights: weights of signal, default 1.
        background_weights: weights of background, default 1.

    Raises:
        InputError: a side is empty, has scores that are not finite, or weights that do not sum to something positive.
    """
    signal, background = scores_of_sides(signal, background)
    weights_s = used_weights(signal_weights, len(signal), "signal")
    weights_b = used_weights(background_weights, len(background), "background")
    won = fraction_below(signal, background, weights_b)
    lost = 1 - fraction_below(background, signal, weights_s)
    value = np.average(won, weights=weights_s)
    parts = ((won, weights_s), (lost, weights_b))
    variance = sum(np.sum(weights**2 * (part - value) ** 2) / weights.sum() ** 2 for part, weights in parts)
    return Measured(float(value), float(np.sqrt(variance)))


def scores_of_sides(signal: ArrayLike, background: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores of signal and background as float64.

    Raises:
        InputError: scores that are not finite.
    """
    return finite_values(signal, "scores of signal"), finite_values(background, "scores of background")
