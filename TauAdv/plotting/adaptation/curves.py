"""ROC curves of entries: of several trainings the mean, with their spread as band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TauAdv.plotting.roc import Curve

__all__ = ["MeanCurve", "curves_of_entries"]


@dataclass(frozen=True)
class MeanCurve:
    """Mean misidentification of several trainings, and one standard deviation of them to both sides."""

    efficiency: NDArray[np.float64]
    mis_id: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def curves_of_entries(curves: Mapping[str, Sequence[Curve]]) -> dict[str, Curve]:
    """Return label of an entry -> its curve, which is as it is for one training.

    Args:
        curves: label -> curves of its trainings, at the same efficiencies.
    """
    return {label: found[0] if len(found) == 1 else _mean(found) for label, found in curves.items()}


def _mean(curves: Sequence[Curve]) -> MeanCurve:
    values = np.stack([curve.mis_id for curve in curves])
    mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    return MeanCurve(curves[0].efficiency, mean, np.maximum(mean - spread, 0), mean + spread)
