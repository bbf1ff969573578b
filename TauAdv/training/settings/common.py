"""The settings of a training, in groups; what those of all taggers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.config.meaning import opened
from TauAdv.errors import nearest, shortened
from TauAdv.taggers.registry import tagger, taggers
from TauAdv.taggers.spec import TaggerSpec
from TauAdv.training.methods.method import Method
from TauAdv.training.methods.trades import Trades
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.data import VALIDATION, DataSettings
from TauAdv.training.settings.model import ModelSettings
from TauAdv.training.settings.output import OutputSettings
from TauAdv.training.settings.places import place_of_key
from TauAdv.training.settings.schedule import ScheduleSettings

__all__ = ["TrainingSettings", "group"]


def group() -> Any:
    """Return the default of a group of settings: their defaults."""
    return Field(default_factory=dict)


class TrainingSettings(Settings):
    """What every training has in common. Paths are relative to the working folder.

    Attributes:
        tagger: name of the tagger, ``deeptau``, ``tau_transformer``, ``jet_flavour``, or one that another package brings.
        seed: of initial weights, dropout, the order of rows and random attacks.
        model: what is trained.
        data: what it is trained on.
        method: what is done beyond making the class loss smaller; its kind alone, or its settings.
        attack: attack on the inputs that the tagger is trained against; ``null``: none.
        schedule: how long, how fast, on which devices.
        output: what is written, and how often.
        rows: type of the rows that the training reads (no setting: it belongs to the class).
    """

    rows: ClassVar[str]
    kind_alone = ("method", "attack")
    parts = ("model", "data", "schedule", "output")

    tagger: str
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    model: ModelSettings = group()
    data: DataSettings = group()
    method: Method = group()
    attack: TrainingAttack | None = None
    schedule: ScheduleSettings = group()
    output: OutputSettings = group()

    @classmethod
    def with_domains(cls) -> Any:
        """Return the class with the settings of rows of two domains."""
        raise NotImplementedError(cls.__name__)

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """Return where a key is, in this training or another one."""
        return place_of_key(key, cls)

    @classmethod
    def reason_of(cls, key: str, content: Mapping[str, Any]) -> str | None:
        """Return which method needs a setting."""
        if key != "data.adv_shards":
            return None
        method = opened(content.get("method"))
        kind = method.get("kind") if isinstance(method, Mapping) else method
        return f"required by method '{kind}', which reads a second set, of two domains; other methods read one"

    @classmethod
    def several(cls, key: str, values: Sequence[Any]) -> str:
        """Return what to do with several values where one belongs: a sweep has one training for each."""
        return f"for one training with each, start it with {key}={shortened(','.join(map(str, values)))}"

    @property
    def spec(self) -> TaggerSpec:
        """The tagger to train."""
        return tagger(self.tagger)

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        known = [spec.name for spec in taggers().values() if spec.rows == self.rows]
        if self.tagger not in known:
            yield (
                ("tagger",),
                f"tagger '{self.tagger}'{nearest(self.tagger, known)}: of {self.rows} there are {', '.join(known)}",
            )
        if self.method.reads_domains != (self.data.domain_sets is not None):
            yield ("method", "data"), f"method '{self.method.kind}': make its settings with training_settings"
        reason = self.method.one_device_only
        if reason is not None and self.schedule.devices != "one":
            yield ("method", "schedule.devices"), f"method '{self.method.kind}': on one device only: {reason}"
        yield from self._not_validated()

    def _not_validated(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that need a validation which there is not."""
        stopping, data, needs = self.schedule.early_stopping, self.data, "data.validation_shards or data.validation_fraction"
        if stopping is not None and stopping.metric.startswith("val_") and not data.validates:
            message = f"schedule.early_stopping on {stopping.metric} needs {needs}"
            yield ("schedule.early_stopping", *VALIDATION), message
        if data.validation_attack is not None and not data.validates:
            yield ("data.validation_attack", *VALIDATION), f"data.validation_attack needs {needs}"
        if stopping is not None and stopping.metric.startswith("val_attacked_") and data.validation_attack_epochs > 1:
            message = f"schedule.early_stopping on {stopping.metric} needs it after every epoch: validation_attack_epochs: 1"
            yield ("schedule.early_stopping", "data.validation_attack_epochs"), message

    def input_paths(self) -> dict[str, Path]:
        """Return the sets of shards, and the files of pretrained model, network and feature table, that are asked for."""
        groups = {"data": self.data, "model": self.model}
        return {f"{name}.{key}": path for name, part in groups.items() for key, path in part.input_paths().items()}

    @property
    def methods(self) -> tuple[Method, ...]:
        """What is done beyond making the class loss smaller; those that add to it come first."""
        beta = None if self.acting_attack is None else self.acting_attack.trades_beta
        return (self.method,) if beta is None else (Trades(beta=beta), self.method)

    @property
    def command(self) -> str:
        """Command that starts such a training, a key of :data:`TauAdv.commands.SCRIPTS`."""
        return self.spec.trained_by[-1 if self.reads_domains else 0]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of a run that say what was trained, and how."""
        return {"kind": "training", "tagger": self.tagger, "method": self.method.kind}

    @property
    def needs_head(self) -> bool:
        """Whether the network has an adversarial head."""
        return any(method.needs_head for method in self.methods)

    @property
    def reads_domains(self) -> bool:
        """Whether a second set, of two domains, is read with every batch."""
        return any(method.reads_domains for method in self.methods)

    @property
    def acting_attack(self) -> TrainingAttack | None:
        """The attack that is trained against; ``None`` in a training without one."""
        return self.attack if self.attack is not None and self.attack.acts else None
