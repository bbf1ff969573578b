"""Settings of what a training writes: its run, the metrics, and checkpoints to resume from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.config.quantities import Count, Hours

__all__ = ["OutputSettings"]


class OutputSettings(Settings):
    """What a training writes, and how often.

    Attributes:
        mlruns: folder of the runs.
        experiment: name of the experiment.
        run_name: readable name of the run.
        log_steps: steps between two entries of the metrics per step.
        gradient_steps: steps between two measurements of the mean gradients of the losses on the common layers; 0: never.
        checkpoint_steps: steps between two checkpoints besides those after each epoch; ``null``: none.
        checkpoint_hours: hours between two checkpoints; also HH:MM:SS.
        system_metrics: also log processor time and memory of the process, and of GPUs.
        tensorboard: also write the metrics for TensorBoard.
    """

    mlruns: Path = Path("mlruns")
    experiment: str = "training"
    run_name: str | None = None
    log_steps: Count = 100
    gradient_steps: Annotated[int, Field(ge=0)] = 100
    checkpoint_steps: Count | None = None
    checkpoint_hours: Hours = 12.0
    system_metrics: bool = True
    tensorboard: bool = False
