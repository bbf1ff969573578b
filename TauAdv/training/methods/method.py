"""What all methods have in common, in a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator

from TauAdv.attacks.registry import attack_kinds
from TauAdv.config import KindSettings, refused_kind
from TauAdv.training.methods.acting import Acting, Surroundings
from TauAdv.training.methods.registry import DEFAULT_KIND, method_class, method_kinds

__all__ = ["Method"]


def _refuse_kind(value: Any) -> str:
    """Refuse a kind that no method has; those that one has become settings of that method's class."""
    known = method_kinds()
    for name in known:
        if value in method_class(name).former_names:
            msg = f"'{value}' is called '{name}' now: method={name}"
            raise ValueError(msg)
    if value in attack_kinds():
        msg = f"'{value}' is an attack, which any method may have: write attack: {value}"
        raise ValueError(msg)
    if value == "trades":
        msg = "'trades' is a way to train against an attack: write attack.trades_beta, with the attack"
        raise ValueError(msg)
    raise refused_kind(known)


class Method(KindSettings):
    """What a training does beyond making the class loss smaller: the settings of a method, and what it asks for.

    Attributes:
        kind: which method.
        reads_domains: whether it reads a second set, of two domains, with every batch (no setting, as all that follow).
        needs_head: whether it needs the adversarial head of the network.
        metrics: its metrics of steps and epochs, with their meanings.
        validation_metrics: those of them that are measured on the adversarial validation set, too.
        gradient_metrics: its metrics of gradients, with their meanings.
        per_step: its settings that reach the compiled steps through :meth:`knobs` alone; trainings that differ in them only
            share the compiled steps of a sweep.
        one_device_only: why it cannot be trained on several devices; ``None``: it can.
        former_names: what configurations called it before.
    """

    reads_domains: ClassVar[bool] = False
    needs_head: ClassVar[bool] = False
    metrics: ClassVar[Mapping[str, str]] = {}
    validation_metrics: ClassVar[tuple[str, ...]] = ()
    gradient_metrics: ClassVar[Mapping[str, str]] = {}
    per_step: ClassVar[tuple[str, ...]] = ()
    one_device_only: ClassVar[str | None] = None
    former_names: ClassVar[tuple[str, ...]] = ()

    kind: Annotated[str, PlainValidator(_refuse_kind)] = DEFAULT_KIND

    @classmethod
    def kinds(cls) -> list[str]:
        """Return the kinds of all methods."""
        return method_kinds()

    @classmethod
    def class_of_kind(cls, kind: str) -> type[Method]:
        """Return the class of the settings of a method."""
        return method_class(kind)

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """Return which methods have a setting."""
        owners = [kind for kind in method_kinds() if key in method_class(kind).model_fields]
        return f"it belongs to method {' or '.join(owners)}" if owners else None

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
