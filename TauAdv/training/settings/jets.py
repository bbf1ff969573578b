"""Settings of trainings of jets (``tauadv train``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.models.jet_flavour.settings import JetLossSettings
from TauAdv.taggers.jet_flavour import JET_FLAVOUR
from TauAdv.training.settings.common import DomainRows, TrainingSettings
from TauAdv.training.settings.numbers import Count, Rate
from TauAdv.training.settings.schedules import LearningRateSchedule

__all__ = ["JetDomainSettings", "JetSettings"]


class JetSettings(TrainingSettings):
    """What the trainings of jets have in common: settings of :class:`TrainingSettings`, and these.

    The defaults are those of arXiv:2203.13890.

    Attributes:
        batch_size: class rows per batch.
        n_jets: jets of the training set to use; ``null``: all.
        use_weights: whether the sample weights of the shards count.
        loss: cross entropy or focal loss, and its parameters.
        weight_average: decay per step of an exponential moving average of the weights. With these averages, epochs are
            validated and kept; the training itself continues with the weights. ``null``: no average.
    """

    rows = JET_FLAVOUR.rows
    class_size_key = "batch_size"

    tagger: str = JET_FLAVOUR.name
    batch_size: Count = 65_536
    n_jets: Count | None = None
    use_weights: bool = True
    loss: JetLossSettings = JetLossSettings()
    optimizer: Literal["nadam", "adam"] = "adam"
    learning_rate: Rate = 1e-4
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule(kind="inverse")
    experiment: str = "jet flavour"
    weight_average: Annotated[float, Field(gt=0, lt=1)] | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from super().contradictions()
        if self.weight_average is not None and (self.devices != "one" or self.needs_head):
            message = "weight_average: on one device only, and with no method that trains a head of its own"
            yield ("weight_average", "devices", "method"), message

    @classmethod
    def with_domains(cls) -> type[JetDomainSettings]:
        """Return the class with the settings of rows of two domains."""
        return JetDomainSettings

    @property
    def n_rows(self) -> int | None:
        """Jets of the training set to use; ``None``: all."""
        return self.n_jets

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return self.weight_average


class JetDomainSettings(JetSettings, DomainRows):
    """Settings of a training that reads the jets of two detectors: :class:`JetSettings`, and these.

    Attributes:
        adv_batch_size: adversarial rows per batch.
    """

    adversary_size_key = "adv_batch_size"

    adv_batch_size: Count = 65_536
