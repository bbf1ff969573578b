"""Settings of trainings of jets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config.quantities import Count
from TauAdv.models.jet_flavour.settings import JetLossSettings
from TauAdv.taggers.jet_flavour import JET_FLAVOUR
from TauAdv.training.schedules.learning_rates import LearningRateSchedule
from TauAdv.training.settings.common import TrainingSettings, group
from TauAdv.training.settings.data import DataSettings, DomainData
from TauAdv.training.settings.model import ModelSettings
from TauAdv.training.settings.numbers import Rate
from TauAdv.training.settings.output import OutputSettings
from TauAdv.training.settings.schedule import ScheduleSettings

__all__ = ["JetDomainSettings", "JetSettings"]


class JetModel(ModelSettings):
    """What is trained, of jets.

    Attributes:
        loss: cross entropy or focal loss, and its parameters.
    """

    loss: JetLossSettings = JetLossSettings()


class JetData(DataSettings):
    """Sets of shards of jets.

    Attributes:
        batch_size: class rows per batch.
        n_jets: jets of the training set to use; ``null``: all.
        use_weights: whether the sample weights of the shards count.
    """

    class_size_key = "batch_size"

    batch_size: Count = 65_536
    n_jets: Count | None = None
    use_weights: bool = True

    @property
    def n_rows(self) -> int | None:
        """Jets of the training set to use; ``None``: all."""
        return self.n_jets


class JetDomainData(JetData, DomainData):
    """Sets of shards of jets, of two detectors as well.

    Attributes:
        adv_batch_size: adversarial rows per batch.
    """

    adversary_size_key = "adv_batch_size"

    adv_batch_size: Count = 65_536


class JetSchedule(ScheduleSettings):
    """The course of a training of jets; the defaults are those of arXiv:2203.13890.

    Attributes:
        weight_average: decay per step of an exponential moving average of the weights. With these averages, epochs are
            validated and kept; the training itself continues with the weights. ``null``: no average.
    """

    optimizer: Literal["nadam", "adam"] = "adam"
    learning_rate: Rate = 1e-4
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule(kind="inverse")
    weight_average: Annotated[float, Field(gt=0, lt=1)] | None = None

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return self.weight_average


class JetOutput(OutputSettings):
    """What a training of jets writes."""

    experiment: str = "jet flavour"


class JetSettings(TrainingSettings):
    """Settings of a training of jets."""

    rows = JET_FLAVOUR.rows

    tagger: str = JET_FLAVOUR.name
    model: JetModel = group()
    data: JetData = group()
    schedule: JetSchedule = group()
    output: JetOutput = group()

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from super().contradictions()
        if self.schedule.weight_average is not None and (self.schedule.devices != "one" or self.needs_head):
            message = "schedule.weight_average: on one device only, and with no method that trains a head of its own"
            yield ("schedule.weight_average", "schedule.devices", "method"), message

    @classmethod
    def with_domains(cls) -> type[JetDomainSettings]:
        """Return the class with the settings of rows of two domains."""
        return JetDomainSettings


class JetDomainSettings(JetSettings):
    """Settings of a training that reads the jets of two detectors."""

    data: JetDomainData = group()
