"""What all methods have in common, in a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from TauAdv.config import Settings
from TauAdv.training.methods.acting import Acting, Surroundings

__all__ = ["Method"]


class Method(Settings):
    """What a training does beyond making the class loss smaller: the settings of a method, and what it asks for.

    Attributes:
        reads_domains: whether it reads a second set, of two domains, with every batch (no setting, as all that follow).
        needs_head: whether it needs the adversarial head of the network.
        metrics: its metrics of steps and epochs, with their meanings.
        validation_metrics: those of them that are measured on the adversarial validation set, too.
        gradient_metrics: its metrics of gradients, with their meanings.
        one_device_only: why it cannot be trained on several devices; ``None``: it can.
        former_names: what configurations called it before.
    """

    reads_domains: ClassVar[bool] = False
    needs_head: ClassVar[bool] = False
    metrics: ClassVar[Mapping[str, str]] = {}
    validation_metrics: ClassVar[tuple[str, ...]] = ()
    gradient_metrics: ClassVar[Mapping[str, str]] = {}
    one_device_only: ClassVar[str | None] = None
    former_names: ClassVar[tuple[str, ...]] = ()

    def begin(self, training: Surroundings) -> Acting:
        """Return the method at work in a training."""
        raise NotImplementedError

    def knobs(self, step: int, n_steps: int, rate: float) -> dict[str, float]:
        """Return what of the method changes from step to step.

        Args:
            step: number of the step, from 0.
            n_steps: steps of the training.
            rate: factor of the schedule of learning rates.
        """
        return {}
