"""Settings of the trainings of taus, of a classifier and of an adversarial model; settings of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import model_validator

from TauAdv.commands import command
from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.features.table import FeatureTable
from TauAdv.models.deeptau.settings import GridMode
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import TRAINING
from TauAdv.taggers.deeptau import DEEPTAU
from TauAdv.training.settings.common import (
    FREE_ON_RESUME,
    PLACES,
    SETS,
    DomainSettings,
    EarlyStopping,
    PretrainedSettings,
    TrainingSettings,
)
from TauAdv.training.settings.numbers import Count
from TauAdv.training.settings.relocation import moved

__all__ = [
    "AdversarialSettings",
    "ClassifierSettings",
    "DomainSettings",
    "EarlyStopping",
    "PretrainedSettings",
    "TauSettings",
    "TrainingSettings",
    "comparable",
    "resolved",
    "settings_file",
    "settings_of_run",
]


class TauSettings(TrainingSettings):
    """What the trainings of taus have in common: settings of :class:`TrainingSettings`, and these.

    Attributes:
        n_tau: class rows per batch.
        features: name or path of the feature table that the shards must have; ``null``: whatever they have.
        loss: class loss, a name of the TauLosses family.
        batch_norm: ``mixed``: batch statistics of all rows of the batch; ``frozen``: the common layers and the class head
            keep the pretrained statistics, scale and offset of their batch normalisation.
        grid_mode: ``sparse`` or ``dense``; ``null``: as the network says.
        n_empty_rows: rows that stand for the empty cells of a grid (sparse mode); ``null``: as the network says.
    """

    rows = DEEPTAU.rows
    class_size_key = "n_tau"

    tagger: str = DEEPTAU.name
    n_tau: Count = 100
    features: str | None = None
    loss: str = "tau_crossentropy_v2"
    batch_norm: Literal["mixed", "frozen"] = "mixed"
    grid_mode: GridMode | None = None
    n_empty_rows: Count | None = None
    experiment: str = "tau tagging"

    @model_validator(mode="before")
    @classmethod
    def _require_taus(cls, content: Any) -> Any:
        if isinstance(content, Mapping) and "method" in content:  # every training of jets has one
            msg = f"these are settings of jets (key 'method'): this is for {command('train jets')}"
            raise ValueError(msg)
        return content

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

    def feature_table(self) -> FeatureTable | None:
        """Return the feature table that the shards must have; ``None``: whatever they have."""
        return None if self.features is None else FeatureTable.load(self.features)

    def adapted(self, network: Any) -> Any:
        """Return the network with the way to evaluate its grids that the settings ask for.

        Raises:
            ConfigError: if the network evaluates its cells in one way only.
        """
        asked = {key: value for key in ("grid_mode", "n_empty_rows") if (value := getattr(self, key)) is not None}
        if unknown := [key for key in asked if key not in type(network).model_fields]:
            msg = f"{', '.join(unknown)}: network '{network.name}' has no such setting; leave it out"
            raise ConfigError(msg)
        return network.model_copy(update=asked)


class ClassifierSettings(TauSettings):
    """Settings of a classifier of taus; see :class:`TauSettings`."""


class AdversarialSettings(TauSettings, DomainSettings):
    """Settings of an adversarial training of taus: :class:`TauSettings`, :class:`DomainSettings`, and these.

    Attributes:
        n_adv_tau: adversarial rows per batch; need not equal ``n_tau``.
    """

    adversary_size_key = "n_adv_tau"

    n_adv_tau: Count = 100
    experiment: str = "domain adaptation"


def resolved(settings: TrainingSettings) -> TrainingSettings:
    """Return the settings with absolute paths, as a run keeps them."""
    update: dict[str, object] = {}
    for name in (*SETS, "mlruns"):
        if getattr(settings, name, None) is not None:
            update[name] = getattr(settings, name).resolve()
    if settings.pretrained is not None:
        paths = {name: getattr(settings.pretrained, name) for name in ("mlpath", "file")}
        pretrained = {name: path.resolve() for name, path in paths.items() if path is not None}
        update["pretrained"] = settings.pretrained.model_copy(update=pretrained)
    if settings.network is not None and Path(settings.network).suffix in {".yaml", ".yml"}:
        update["network"] = str(Path(settings.network).resolve())
    return settings.model_copy(update=update)


def comparable(settings: TrainingSettings) -> str:
    """Return the settings as text without what names places: these may differ between machines."""
    dumped = settings.model_dump(mode="json", exclude={*SETS, "mlruns", "network", "features", "pretrained"})
    return json.dumps(dumped, sort_keys=True)


Kind = TypeVar("Kind", bound=TrainingSettings)


def settings_of_run(kind: type[Kind], mlpath: Path | str, run_id: str, overrides: Iterable[str] = ()) -> Kind:
    """Return the settings that a run was started with, to resume it.

    Args:
        kind: class of the settings.
        mlpath: folder of the run's experiment, or the folder ``mlruns``.
        run_id: identifier of the run.
        overrides: ``"key=value"``; only of settings that leave the steps as they are (:data:`FREE_ON_RESUME`), or of places:
            that the content there is the same is checked when it is opened.

    Raises:
        InputError: if there is no such run.
        ConfigError: if an override would change the steps, or the run is not a training of this kind.
    """
    run = find_run(mlpath, run_id)
    path = settings_file(run)
    before = load_settings(kind, path)
    after = load_settings(kind, path, overrides)
    changed = _changed(before, after)
    if after.mlruns != before.mlruns and after.mlruns.resolve() != run.mlpath.parent:
        changed.append("mlruns (the run is found by --mlpath)")
    if changed:
        cannot = f"{', '.join(changed)}: cannot change when a run is resumed"
        possible = f"possible: {', '.join(FREE_ON_RESUME)}, and the paths {', '.join(PLACES)} of the same content"
        msg = f"{run.title}: {cannot}; {possible}; or start a new run"
        raise ConfigError(msg)
    return moved(after, before.mlruns, run)


def settings_file(run: Run) -> Path:
    """Return the file of the settings of a run, undamaged.

    Raises:
        ConfigError: if the run is no training, or ended before it kept its settings.
        InputError: if the file is damaged.
    """
    if not (run.artifacts / TRAINING).is_file():
        msg = f"{run.title} keeps no {TRAINING}: it is not a training that can be resumed; start a new one"
        raise ConfigError(msg)
    return run.require_file(TRAINING, "start a new run")


def _changed(before: TrainingSettings, after: TrainingSettings) -> list[str]:
    """Return the settings that differ and decide what a training does, places apart."""
    old, new = before.model_dump(), after.model_dump()
    free = {*FREE_ON_RESUME, *SETS, "mlruns", "pretrained"}
    changed = sorted(name for name in old if old[name] != new[name] and name not in free)
    changed += [f"pretrained.{key}" for key in _changes_of_pretrained(before.pretrained, after.pretrained)]
    for key in SETS:
        if (getattr(before, key, None) is None) != (getattr(after, key, None) is None):
            changed.append(key)
    if before.early_stopping and after.early_stopping and before.early_stopping.metric != after.early_stopping.metric:
        changed.append("early_stopping.metric")
    return changed


def _changes_of_pretrained(before: PretrainedSettings | None, after: PretrainedSettings | None) -> list[str]:
    if before is None or after is None:
        return [] if before is after else ["run_id or file"]
    return [key for key in ("run_id",) if getattr(before, key) != getattr(after, key)]
