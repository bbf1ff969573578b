"""Settings of trainings of taus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from TauAdv.config.quantities import Count
from TauAdv.errors import ConfigError
from TauAdv.features.table import FeatureTable
from TauAdv.models.deeptau.settings import GridMode
from TauAdv.taggers.deeptau import DEEPTAU
from TauAdv.training.settings.common import TrainingSettings, group
from TauAdv.training.settings.data import DataSettings, DomainData
from TauAdv.training.settings.model import ModelSettings
from TauAdv.training.settings.output import OutputSettings

__all__ = ["TauDomainSettings", "TauSettings"]


class TauModel(ModelSettings):
    """What is trained, of taus.

    Attributes:
        loss: class loss, a name of the TauLosses family.
        batch_norm: ``mixed``: batch statistics of all rows of the batch; ``frozen``: the common layers and the class head
            keep the pretrained statistics, scale and offset of their batch normalisation.
        grid_mode: ``sparse`` or ``dense``; ``null``: as the network says.
        n_empty_rows: rows that stand for the empty cells of a grid (sparse mode); ``null``: as the network says.
    """

    loss: str = "tau_crossentropy_v2"
    batch_norm: Literal["mixed", "frozen"] = "mixed"
    grid_mode: GridMode | None = None
    n_empty_rows: Count | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from super().contradictions()
        if self.batch_norm == "frozen" and self.pretrained is None:
            message = "batch_norm 'frozen' needs a pretrained model: fresh running statistics are not those of any data"
            yield ("batch_norm", "pretrained"), message

    @property
    def named_loss(self) -> str | None:
        """Name of the loss."""
        return self.loss

    @property
    def keeps_statistics(self) -> bool:
        """Whether the batch normalisations of the common layers and the class head stay as they are."""
        return self.batch_norm == "frozen"

    def adapted(self, network: Any) -> Any:
        """Return the network with the way to evaluate its grids that the settings ask for.

        Raises:
            ConfigError: if the network evaluates its cells in one way only.
        """
        asked = {key: value for key in ("grid_mode", "n_empty_rows") if (value := getattr(self, key)) is not None}
        if unknown := [key for key in asked if key not in type(network).model_fields]:
            msg = (
                f"{', '.join(f'model.{key}' for key in unknown)}: network '{network.name}' has no such setting; leave it out"
            )
            raise ConfigError(msg)
        return network.model_copy(update=asked)


class TauData(DataSettings):
    """Sets of shards of taus.

    Attributes:
        n_tau: class rows per batch.
        features: name or path of the feature table that the shards must have; ``null``: whatever they have.
    """

    class_size_key = "n_tau"

    n_tau: Count = 100
    features: str | None = None

    def feature_table(self) -> FeatureTable | None:
        """Return the feature table that the shards must have; ``None``: whatever they have."""
        return None if self.features is None else FeatureTable.load(self.features)


class TauDomainData(TauData, DomainData):
    """Sets of shards of taus, of two domains as well.

    Attributes:
        n_adv_tau: adversarial rows per batch; need not equal ``n_tau``.
    """

    adversary_size_key = "n_adv_tau"

    n_adv_tau: Count = 100


class TauOutput(OutputSettings):
    """What a training of taus writes."""

    experiment: str = "tau tagging"


class TauDomainOutput(TauOutput):
    """What a training of taus in two domains writes."""

    experiment: str = "domain adaptation"


class TauSettings(TrainingSettings):
    """Settings of a training of taus."""

    rows = DEEPTAU.rows

    tagger: str = DEEPTAU.name
    model: TauModel = group()
    data: TauData = group()
    output: TauOutput = group()

    @classmethod
    def with_domains(cls) -> type[TauDomainSettings]:
        """Return the class with the settings of rows of two domains."""
        return TauDomainSettings


class TauDomainSettings(TauSettings):
    """Settings of a training of taus that reads two domains."""

    data: TauDomainData = group()
    output: TauDomainOutput = group()
