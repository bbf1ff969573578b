"""Settings as a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.config import validate_settings
from TauAdv.config.overrides import apply_overrides
from TauAdv.config.yaml_files import read_written
from TauAdv.errors import ConfigError
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import TRAINING
from TauAdv.taggers.registry import tagger_of_rows
from TauAdv.training.methods.registry import DEFAULT_KIND, method_class, method_kinds
from TauAdv.training.settings.common import FREE_ON_RESUME, PLACES, SETS, PretrainedSettings, TrainingSettings
from TauAdv.training.settings.load import settings_class
from TauAdv.training.settings.relocation import moved

__all__ = ["comparable", "present_form", "resolved", "settings_file", "settings_of_run", "stored_settings"]


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


def settings_of_run(mlpath: Path | str, run_id: str, overrides: Iterable[str] = ()) -> TrainingSettings:
    """Return the settings that a run was started with, to resume it.

    Args:
        mlpath: folder of the run's experiment, or the folder ``mlruns``.
        run_id: identifier of the run.
        overrides: ``"key=value"``; only of settings that leave the steps as they are (:data:`FREE_ON_RESUME`), or of places:
            that the content there is the same is checked when it is opened.

    Raises:
        InputError: if there is no such run.
        ConfigError: if an override would change the steps, or the run is no training.
    """
    run = find_run(mlpath, run_id)
    path = settings_file(run)
    before, after = stored_settings(path), stored_settings(path, overrides)
    changed = _changed(before, after)
    if after.mlruns != before.mlruns and after.mlruns.resolve() != run.mlpath.parent:
        changed.append("mlruns (the run is found by --mlpath)")
    if changed:
        cannot = f"{', '.join(changed)}: cannot change when a run is resumed"
        possible = f"possible: {', '.join(FREE_ON_RESUME)}, and the paths {', '.join(PLACES)} of the same content"
        msg = f"{run.title}: {cannot}; {possible}; or start a new run"
        raise ConfigError(msg)
    return moved(after, before.mlruns, run)


def stored_settings(path: Path, overrides: Iterable[str] = ()) -> TrainingSettings:
    """Return the settings in the file that a run keeps, also of a run of before ``tagger`` and ``method`` were kept.

    Raises:
        ConfigError: if a setting is not known or not accepted.
    """
    content = present_form(read_written(path))
    kind = settings_class(content["tagger"], content["method"])
    apply_overrides(content, overrides)
    settings: TrainingSettings = validate_settings(kind, content, str(path))
    return settings


def present_form(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a run keeps, with ``tagger`` and ``method``."""
    found, method = dict(content), content.get("method")
    methods = {kind: method_class(kind) for kind in method_kinds()}
    if method not in methods:
        own = [kind for kind, one in methods.items() if one.model_fields.keys() & found.keys()]
        former = [kind for kind, one in methods.items() if method in one.former_names]
        found["method"] = next(iter([*former, *own]), DEFAULT_KIND)
        if method == "nominal":  # its attack did not act
            found["attack"] = None
        # trainings of jets had a method before those of taus had one
        found.setdefault("tagger", tagger_of_rows("taus" if method is None else "jets").name)
    return found


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
