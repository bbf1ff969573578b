"""How the factor of the domain loss grows with the steps of a training."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import OfKind
from TauAdv.config.quantities import Count

__all__ = ["K2Schedule"]


class K2Schedule(OfKind):
    """Factor on k2.

    Attributes:
        kind: ``constant``; ``linear``: from 0 to 1; ``dann``: 2 / (1 + exp(-gamma p)) - 1 of the progress p from 0 to 1
            (Ganin and Lempitsky, arXiv:1409.7495).
        steps: steps until p is 1; ``null``: all steps of the training.
        gamma: steepness of ``dann``.
    """

    kind: Literal["constant", "linear", "dann"] = "constant"
    steps: Count | None = None
    gamma: Annotated[float, Field(gt=0)] = 10.0

    def factor(self, step: int, n_steps: int) -> float:
        """Return the factor of step 0, 1, ... of ``n_steps``."""
        progress = min(step / (self.steps or n_steps), 1.0)
        if self.kind == "linear":
            return progress
        if self.kind == "dann":
            return 2 / (1 + math.exp(-self.gamma * progress)) - 1
        return 1.0
