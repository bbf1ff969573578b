"""What is measured on a validation set: metrics and areas under ROC curves, of clean or of attacked inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from TauAdv.taggers.objective import ClassObjective
from TauAdv.training.step.metrics import MetricSums, means
from TauAdv.training.step.streaming_auc import Separation

__all__ = ["Look"]


class Look:
    """One look at a validation set.

    Args:
        prefix: of the names of the metrics.
        names: of the metrics.
        objective: whose pairs of classes are compared.
    """

    def __init__(self, prefix: str, names: Sequence[str], objective: ClassObjective) -> None:
        self.prefix = prefix
        self.sums = MetricSums(names)
        self.separation = Separation(objective.pairs, are_logits=objective.are_logits)

    @property
    def names(self) -> list[str]:
        """Names of all that is measured, with the prefix."""
        return [self.prefix + name for name in (*self.sums.names, *self.separation.pairs)]

    def start(self) -> None:
        """Begin a new look."""
        self.sums.take()
        self.separation.take()

    def values(self, total: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> dict[str, float]:
        """Return what was measured.

        Args:
            total: adds up arrays of all workers.
        """
        found = means(self.sums.names, total(self.sums.take()), self.prefix)
        return found | self.separation.areas(total(self.separation.take()), self.prefix)
