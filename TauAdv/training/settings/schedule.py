"""Settings of the course of a training: how long, how fast, when to stop, and on which devices.

Schedules are functions of the step, nothing else: a resumed training has the same values without any state being kept.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.training.devices.cluster import DeviceChoice
from TauAdv.training.settings.numbers import Count, NotNegative, Rate

__all__ = ["EarlyStopping", "K2Schedule", "LearningRateSchedule", "ScheduleSettings"]

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


class EarlyStopping(Settings):
    """Stop when a metric has not improved for some epochs, and keep the weights of the best epoch.

    Attributes:
        metric: name of an epoch's metric; smaller is better, except of accuracies and areas under a
            ROC curve (``auc``).
        patience: epochs without improvement.
        min_delta: smallest change that counts as an improvement.
        restore_best: end with the best epoch's weights instead of the last one's.
    """

    metric: str = "val_loss"
    patience: Count = 3
    min_delta: NotNegative = 0.0
    restore_best: bool = True

    @property
    def larger_is_better(self) -> bool:
        """Whether the metric is one that should grow."""
        return self.metric.endswith("accuracy") or "auc_" in self.metric

    def is_over(self, epoch: int, best_epoch: int) -> bool:
        """Return whether the best epoch is too long ago."""
        return epoch - best_epoch >= self.patience


class ScheduleSettings(Settings):
    """The course of a training.

    Attributes:
        n_epochs: number of epochs.
        n_batches: batches per epoch; ``null``: as many as go once through the classification set.
        n_batches_val: batches of a validation, at most; ``null``: all.
        optimizer: ``nadam`` or ``adam``.
        learning_rate: of the common layers and the class head.
        schedule_decay: how fast Nadam's momentum warms up.
        learning_rate_schedule: how the learning rates change with the steps.
        clip_norm: largest norm of an optimiser's gradients together; ``null``: no limit.
        early_stopping: when to stop before ``n_epochs``.
        devices: ``one``; ``mirrored``: all GPUs of this machine (without any, its logical CPU devices) share each batch;
            ``multi_worker``: so do the processes that the environment variable TF_CONFIG names.
    """

    n_epochs: Count = 1
    n_batches: Count | None = None
    n_batches_val: Count | None = None
    optimizer: Literal["nadam", "adam"] = "nadam"
    learning_rate: Rate = 0.001
    schedule_decay: NotNegative = 0.004
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule()
    clip_norm: Rate | None = None
    early_stopping: EarlyStopping | None = None
    devices: DeviceChoice = "one"

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return None
