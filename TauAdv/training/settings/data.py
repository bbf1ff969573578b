"""Settings of a training's data: which sets of shards it reads, and how many rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from TauAdv.attacks.options import AttackSettings
from TauAdv.config import Settings
from TauAdv.config.paths import is_yaml
from TauAdv.config.quantities import Count

__all__ = ["SETS", "VALIDATION", "DataSettings", "DomainData"]

#: Settings that name a set of shards.
SETS = ("shards", "validation_shards", "adv_shards", "adv_validation_shards")
VALIDATION = ("data.validation_shards", "data.validation_fraction", "data.adv_validation_shards")


class DataSettings(Settings):
    """Sets of shards, and rows per batch. Paths are relative to the working folder.

    Attributes:
        class_size_key: name of the setting that gives the class rows per batch (no setting: it belongs to the class).
        shards: classification set.
        validation_shards: classification set to validate on after each epoch.
        validation_fraction: without ``validation_shards``, this share of the set is kept for validation.
        validation_attack: attack under which the validation set is looked at, too (metrics ``val_attacked_...``).
        validation_attack_epochs: epochs from one such look to the next.
        shuffle: draw single rows at random; otherwise in the order of the set.
    """

    class_size_key: ClassVar[str]

    shards: Path
    validation_shards: Path | None = None
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    validation_attack: AttackSettings | None = None
    validation_attack_epochs: Count = 1
    shuffle: bool = True

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.validation_shards is not None and self.validation_fraction:
            yield ("validation_shards", "validation_fraction"), "give validation_shards or validation_fraction, not both"

    def input_paths(self) -> dict[str, Path]:
        """Return the sets of shards, and the file of a feature table, that are asked for."""
        paths = {key: path for key in SETS if (path := getattr(self, key, None)) is not None}
        features = getattr(self, "features", None)
        return paths if features is None or not is_yaml(features) else {**paths, "features": Path(features)}

    def feature_table(self) -> Any:
        """Return the feature table that the shards must have; ``None``: whatever they have.

        Raises:
            InputError: if there is no such table.
        """
        return None

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return self.validation_shards is not None or self.validation_fraction > 0

    @property
    def n_rows(self) -> int | None:
        """Rows of the training set to use; ``None``: all."""
        return None

    @property
    def n_class(self) -> int:
        """Class rows per batch."""
        return int(getattr(self, self.class_size_key))

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Rows of a training batch, by the setting that gives them: of the class set first."""
        return {self.class_size_key: self.n_class}

    @property
    def domain_sets(self) -> tuple[Path, Path | None] | None:
        """The set of two domains, and the one to validate on; ``None``: none is read."""
        return None


class DomainData(DataSettings):
    """The data of a training that reads rows of two domains with every batch.

    Attributes:
        adversary_size_key: name of the setting that gives the adversarial rows per batch (no setting).
        adv_shards: adversarial set: data and simulation of the control region, or jets of two detectors.
        adv_validation_shards: adversarial set to validate on.
    """

    adversary_size_key: ClassVar[str]

    adv_shards: Path
    adv_validation_shards: Path | None = None

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return super().validates or self.adv_validation_shards is not None

    @property
    def domain_sets(self) -> tuple[Path, Path | None] | None:
        """The set of two domains, and the one to validate on."""
        return self.adv_shards, self.adv_validation_shards

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Rows of a training batch, by the setting that gives them: of the class set first."""
        return {**super().batch_sizes, self.adversary_size_key: int(getattr(self, self.adversary_size_key))}
