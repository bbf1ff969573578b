"""Settings of the course of a training: how long, how fast, when to stop, and on which devices."""

from __future__ import annotations

from typing import Literal

from TauAdv.config import Settings
from TauAdv.config.quantities import Count
from TauAdv.training.devices.cluster import DeviceChoice
from TauAdv.training.schedules.early_stopping import EarlyStopping
from TauAdv.training.schedules.learning_rates import LearningRateSchedule
from TauAdv.training.settings.numbers import Factor, Rate

__all__ = ["ScheduleSettings"]


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
    schedule_decay: Factor = 0.004
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule()
    clip_norm: Rate | None = None
    early_stopping: EarlyStopping | None = None
    devices: DeviceChoice = "one"

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return None
