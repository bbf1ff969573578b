"""The model of a run or of a file, with its feature table, known before TensorFlow is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.checked_files import read_text
from TauAdv.models.keras_archive import archive_configuration, has_adversarial_head
from TauAdv.runs import Run
from TauAdv.runs.layout import CHECKPOINTS, FEATURES, MODEL, SHARDS
from TauAdv.shards.row_types import ROW_TYPES, layout_of, read_table, rows_of
from TauAdv.taggers.registry import read_tagger, tagger_saved_as, taggers
from TauAdv.taggers.spec import TaggerSpec

__all__ = ["TrainedModel", "require_adversarial_head", "trained_model"]


@dataclass(frozen=True)
class TrainedModel:
    """A trained model that was not read yet.

    Attributes:
        file: the ``.keras`` file.
        title: how it is called in messages.
        spec: kind of tagger.
        table: feature table.
        extraction: settings besides the table that decided the features of the sets it was trained on: name -> values.
        is_adversarial: whether it has an adversarial head.
    """

    file: Path
    title: str
    spec: TaggerSpec
    table: Any
    extraction: Mapping[str, Sequence[Any]]
    is_adversarial: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return tuple(layout_of(self.spec.rows, self.table).classes)

    def load(self) -> Any:
        """Return the Keras model.

        Raises:
            InputError: it is damaged, or does not read the features of the table.
        """
        model = read_tagger(self.file)
        sizes = self.spec.sizes(model.network), self.spec.sizes_of_table(self.table)
        if sizes[0] != sizes[1]:
            msg = (
                f"{self.file}: its network reads {self.spec.sizes_are} {sizes[0]}; the feature table '{self.table.name}' "
                f"gives {sizes[1]}; give the table that it was trained with"
            )
            raise InputError(msg)
        return model


def trained_model(source: Run | Path | str, features: Any = None) -> TrainedModel:
    """Return the model of a run or of a ``.keras`` file.

    Args:
        source: the run, or the file.
        features: feature table of a file without a recorded one: a table, the name of one of taus, or a YAML file.

    Raises:
        InputError: no model or no tagger there, no feature table is known, or ``features`` is another one than recorded.
    """
    artifacts: Path | None
    if isinstance(source, Run):
        file, title, artifacts = source.require_file(MODEL, "resume its training"), source.title, source.artifacts
    else:
        file, title = Path(source), str(source)
        artifacts = file.parent.parent if file.parent.name in {Path(MODEL).parent.name, CHECKPOINTS} else None
    described = archive_configuration(file)
    spec = tagger_saved_as(described.get("registered_name"))
    if spec is None:
        msg = f"{file}: expected a TauAdv tagger ({', '.join(taggers())}), received another model"
        raise InputError(msg)
    table = _table(file, title, spec, artifacts, features)
    extraction = {} if artifacts is None else _extraction(artifacts, spec)
    return TrainedModel(file, title, spec, table, extraction, has_adversarial_head(described))


def require_adversarial_head(is_there: bool, title: str) -> None:
    """Refuse a model without adversarial head where its output is asked for.

    Args:
        is_there: whether the model has the head.
        title: what the model is called in messages.

    Raises:
        InputError: says which option applies the model without it.
    """
    if not is_there:
        msg = f"{title}: its model has no adversarial head, its training had no adversary; give --not_adversarial"
        raise InputError(msg)


def _table(file: Path, title: str, spec: TaggerSpec, artifacts: Path | None, features: Any) -> Any:
    recorded = None if artifacts is None else artifacts / FEATURES
    if recorded is not None and recorded.is_file():
        table = read_table(spec.rows, read_text(recorded), str(recorded))
        if features is not None and _given(spec, features).digest != table.digest:
            msg = f"{title}: its run recorded the feature table '{table.name}' ({recorded}), not the one given; leave it out"
            raise InputError(msg)
        return table
    if features is None:
        where = f"no feature table at {recorded}" if recorded is not None else "no feature table is recorded with this file"
        msg = f"{title}: {where}; give the one that it was trained with: features=... (name, YAML file or shards.table)"
        raise InputError(msg)
    return _given(spec, features)


def _given(spec: TaggerSpec, features: Any) -> Any:
    if not isinstance(features, str | Path):
        rows_of(features)  # refuses what is no table
        return features
    if Path(features).is_file():
        return read_table(spec.rows, read_text(Path(features)), str(features))
    return FeatureTable.load(features)


def _extraction(artifacts: Path, spec: TaggerSpec) -> dict[str, list[Any]]:
    """Return the values that settings of features have in the copies of the manifests of the training's sets."""
    found: dict[str, list[Any]] = {name: [] for name in ROW_TYPES[spec.rows].extraction}
    for path in sorted((artifacts / SHARDS).glob("*.json")):
        settings = json.loads(read_text(path)).get("settings", {})
        for name, values in found.items():
            if name in settings and settings[name] not in values:
                values.append(settings[name])
    return found
