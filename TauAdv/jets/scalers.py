"""Scaling of columns to mean 0 and spread 1, defaults left out (arXiv:2203.13890)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from TauAdv.jets.moments import Moments
from TauAdv.jets.published import published_columns
from TauAdv.jets.schema import Column

__all__ = ["Scalers"]


class Scalers:
    """Mean and spread of columns.

    Attributes:
        mean: float64 [c].
        std: float64 [c], square root of the population variance; 1 where that is 0.
        constant: bool [c], columns without spread. They must not be changed by an attack: their weights are untrained.
    """

    def __init__(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> None:
        self.mean = mean
        self.constant = ~(variance > 0)
        self.std = np.sqrt(np.where(self.constant, 1.0, variance))

    @classmethod
    def fitted(cls, moments: Moments) -> Scalers:
        """Return the scalers of columns with these moments (of the training jets, defaults left out)."""
        return cls(moments.mean, moments.variance)

    @classmethod
    def published(cls, columns: Sequence[Column]) -> Scalers:
        """Return the published scalers."""
        found = [published_columns()[column.name] for column in columns]
        return cls(np.array([entry.mean for entry in found]), np.array([entry.variance for entry in found]))
