"""How learning rates change with the steps of a training."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import OfKind

__all__ = ["LearningRateSchedule"]


class LearningRateSchedule(OfKind):
    """Factor on both learning rates.

    Attributes:
        kind: ``constant``; ``cosine``: from 1 to ``final`` over all steps; ``epoch``: times ``decay`` after each epoch;
            ``inverse``: 1 / (1 + e / ``epochs``) in epoch e = 0, 1, ...
        final: factor at the end of ``cosine``.
        decay: factor per epoch of ``epoch``.
        epochs: epochs after which ``inverse`` has halved the rates.
        warmup_steps: steps over which the factor first rises linearly.
    """

    kind: Literal["constant", "cosine", "epoch", "inverse"] = "constant"
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    decay: Annotated[float, Field(gt=0, le=1)] = 0.5
    epochs: Annotated[float, Field(gt=0)] = 30.0
    warmup_steps: Annotated[int, Field(ge=0)] = 0

    def factor(self, step: int, steps_per_epoch: int, n_steps: int) -> float:
        """Return the factor of step 0, 1, ... of ``n_steps``."""
        warmup = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if self.kind == "cosine":
            return warmup * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(step / n_steps, 1.0))))
        if self.kind == "epoch":
            return warmup * self.decay ** (step // steps_per_epoch)
        if self.kind == "inverse":
            return warmup / (1 + step // steps_per_epoch / self.epochs)
        return warmup
