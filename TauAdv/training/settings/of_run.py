"""Settings as a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from TauAdv.config import replaced, validate_settings, value_of
from TauAdv.config.overrides import apply_overrides
from TauAdv.config.paths import is_yaml
from TauAdv.config.yaml_files import read_written
from TauAdv.errors import ConfigError
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import TRAINING
from TauAdv.taggers.registry import tagger_of_rows
from TauAdv.training.methods.registry import DEFAULT_KIND, method_class, method_kinds
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.data import SETS
from TauAdv.training.settings.load import settings_class
from TauAdv.training.settings.model import PretrainedSettings
from TauAdv.training.settings.places import in_groups
from TauAdv.training.settings.relocation import PLACES, moved

__all__ = [
    "comparable",
    "present_form",
    "resolved",
    "resumed_settings",
    "settings_file",
    "settings_of_run",
    "stored_settings",
]

#: Settings that may change when a run is resumed: none of them touches the content of a step.
_ONLY_LOOKED_AT = ("output.system_metrics", "output.tensorboard")
FREE_ON_RESUME = (
    "output.checkpoint_hours",
    "output.checkpoint_steps",
    "output.log_steps",
    "schedule.devices",
    "schedule.early_stopping",
    "schedule.n_epochs",
    *_ONLY_LOOKED_AT,
)


def resolved(settings: TrainingSettings) -> TrainingSettings:
    """Return the settings with absolute paths, as a run keeps them."""
    paths = {key: path for key in PLACES if (path := value_of(settings, key)) is not None}
    update: dict[str, Any] = {key: path.resolve() for key, path in paths.items()}
    if (network := settings.model.network) is not None and is_yaml(network):
        update["model.network"] = str(Path(network).resolve())
    return replaced(settings, update)


def comparable(settings: TrainingSettings) -> str:
    """Return the settings as text without what names places: these may differ between machines."""
    left_out = {"data": {*SETS, "features"}, "model": {"network", "pretrained"}, "output": {"mlruns"}}
    return json.dumps(settings.model_dump(mode="json", exclude=left_out), sort_keys=True)


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
    return resumed_settings(read_written(path), run, overrides, str(path))


def resumed_settings(
    content: Mapping[str, Any], run: Run, overrides: Iterable[str] = (), source: str = "command line"
) -> TrainingSettings:
    """Return settings that a run keeps, with changes, and the places where things are now.

    Args:
        content: the settings as they are kept.
        run: that keeps them.
        overrides: as in :func:`settings_of_run`.
        source: what the content was read from, for messages.

    Raises:
        ConfigError: if an override would change the steps.
    """
    before, after = (_in_present_form(content, changes, source) for changes in ((), overrides))
    changed = _changed(before, after)
    mlruns = before.output.mlruns
    if after.output.mlruns != mlruns and after.output.mlruns.resolve() != run.mlpath.parent:
        changed.append("output.mlruns (the run is found by --mlpath)")
    if changed:
        cannot = f"{', '.join(changed)}: cannot change when a run is resumed"
        possible = f"possible: {', '.join(FREE_ON_RESUME)}, and the paths {', '.join(PLACES[:-1])} of the same content"
        msg = f"{run.title}: {cannot}; {possible}; or start a new run"
        raise ConfigError(msg)
    return moved(after, mlruns, run)


def stored_settings(path: Path, overrides: Iterable[str] = ()) -> TrainingSettings:
    """Return the settings in the file that a run keeps, also of a run of before they were in groups.

    Raises:
        ConfigError: if a setting is not known or not accepted.
    """
    return _in_present_form(read_written(path), overrides, str(path))


def _in_present_form(content: Mapping[str, Any], overrides: Iterable[str], source: str) -> TrainingSettings:
    content = present_form(deepcopy(dict(content)))
    kind = settings_class(content)
    apply_overrides(content, overrides, kind.kind_alone, kind.parts)
    if settings_class(content) is not kind:
        msg = f"{source}: tagger and method cannot change when a run is resumed; start a new run"
        raise ConfigError(msg)
    settings: TrainingSettings = validate_settings(kind, content, source)
    return settings


def present_form(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a run keeps in their groups, with ``tagger`` and ``method``."""
    found, method = dict(content), content.get("method")
    if isinstance(method, Mapping):
        return found
    methods = {kind: method_class(kind) for kind in method_kinds()}
    if method not in methods:
        own = [kind for kind, one in methods.items() if (one.model_fields.keys() - {"kind"}) & found.keys()]
        former = [kind for kind, one in methods.items() if method in one.former_names]
        found["method"] = next(iter([*former, *own]), DEFAULT_KIND)
        if method == "nominal":  # its attack did not act
            found["attack"] = None
        # trainings of jets had a method before those of taus had one
        found.setdefault("tagger", tagger_of_rows("taus" if method is None else "jets").name)
    return in_groups(found, settings_class(found))


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
    free = {*FREE_ON_RESUME, *PLACES, "model.pretrained"}
    old, new = _by_key(before), _by_key(after)
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key not in free)
    if "method.kind" in changed:  # what only one of both methods has differs, too
        changed = ["method", *(key for key in changed if not key.startswith("method."))]
    changed += [f"model.pretrained.{key}" for key in _changes_of_pretrained(before.model.pretrained, after.model.pretrained)]
    for key in (f"data.{name}" for name in SETS):
        if (value_of(before, key) is None) != (value_of(after, key) is None):
            changed.append(key)
    rules = before.schedule.early_stopping, after.schedule.early_stopping
    if rules[0] and rules[1] and rules[0].metric != rules[1].metric:
        changed.append("schedule.early_stopping.metric")
    return changed


def _by_key(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings by group and key; an attack, which may be none, is one of them."""
    found: dict[str, Any] = {}
    for name, value in settings.model_dump().items():
        if name != "attack" and isinstance(value, dict):
            found |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            found[name] = value
    return found


def _changes_of_pretrained(before: PretrainedSettings | None, after: PretrainedSettings | None) -> list[str]:
    if before is None or after is None:
        return [] if before is after else ["run_id or file"]
    return [key for key in ("run_id",) if getattr(before, key) != getattr(after, key)]
