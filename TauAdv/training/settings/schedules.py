"""How learning rates and the strength of the reversal change during a training: functions of the step, nothing else.

A resumed training has the same values without any state being kept.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import Settings

__all__ = ["K2Schedule", "LearningRateSchedule"]

Fraction = Annotated[float, Field(ge=0, le=1)]


class LearningRateSchedule(Settings):
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
    final: Fraction = 0.0
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


class K2Schedule(Settings):
    """Factor on k2.

    Attributes:
        kind: ``constant``; ``linear``: from 0 to 1; ``dann``: 2 / (1 + exp(-gamma p)) - 1 of the progress p from 0 to 1
            (Ganin and Lempitsky, arXiv:1409.7495).
        steps: steps until p is 1; ``null``: all steps of the training.
        gamma: steepness of ``dann``.
    """

    kind: Literal["constant", "linear", "dann"] = "constant"
    steps: Annotated[int, Field(ge=1)] | None = None
    gamma: Annotated[float, Field(gt=0)] = 10.0

    def factor(self, step: int, n_steps: int) -> float:
        """Return the factor of step 0, 1, ... of ``n_steps``."""
        progress = min(step / (self.steps or n_steps), 1.0)
        if self.kind == "linear":
            return progress
        if self.kind == "dann":
            return 2 / (1 + math.exp(-self.gamma * progress)) - 1
        return 1.0
