"""What the run of a sweep keeps: the settings of its trainings, and which runs are theirs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from TauAdv.errors import ConfigError, InputError, shortened
from TauAdv.runs import Run
from TauAdv.runs.layout import SWEEP, TRAINING
from TauAdv.runs.nested import child_runs, parent_tag
from TauAdv.training.run.record import code_version, parameters
from TauAdv.training.settings.of_run import resolved, resumed_settings
from TauAdv.training.sweep.settings import Sweep

__all__ = ["differences", "read_sweep", "record_sweep", "runs_of", "tags_of"]

_NUMBER = "sweep_training"
_START_ANEW = "start a new sweep"


def record_sweep(run: Run, sweep: Sweep) -> None:
    """Write the settings of all trainings; those that are the same in all become parameters of the run."""
    of_each = [parameters(settings) for settings in sweep.trainings]
    same = {key: value for key, value in of_each[0].items() if all(key in one and one[key] == value for one in of_each)}
    run.log_params(same | {key: "; ".join(values) for key, values in sweep.varied.items()})
    run.log_tags(code_version())
    content = {"varied": sweep.varied, "trainings": [_dump(settings) for settings in sweep.trainings]}
    run.log_text(json.dumps(content, indent=1) + "\n", SWEEP, checked=True)


def read_sweep(run: Run, overrides: Iterable[str] = ()) -> Sweep:
    """Return the sweep that a run keeps, to resume it.

    Args:
        run: of the sweep.
        overrides: changes of all its trainings, such as a resumed training takes.

    Raises:
        InputError: if the file is damaged.
        ConfigError: if an override would change the steps of a training, or which trainings there are.
    """
    content, overrides = run.read_json(SWEEP, _START_ANEW), list(overrides)
    varied, trainings = content.get("varied"), content.get("trainings")
    if not isinstance(varied, dict) or not isinstance(trainings, list):
        msg = f"{run.artifacts / SWEEP}: damaged: not the settings of a sweep; {_START_ANEW}"
        raise InputError(msg)
    _require_unvaried(run, varied, overrides)
    source = str(run.artifacts / SWEEP)
    return Sweep(
        {key: tuple(values) for key, values in varied.items()},
        tuple(resumed_settings(one, run, overrides, source) for one in trainings),
    )


def _require_unvaried(run: Run, varied: Mapping[str, Any], overrides: Iterable[str]) -> None:
    for word in overrides:
        key, _, value = word.partition("=")
        if key.strip() in varied:
            before = ",".join(varied[key.strip()])
            given = f"was started with {key}={before}, received {key}={value}"
            msg = f"{run.title}: {given}: a sweep that is resumed keeps its trainings; {_START_ANEW}"
            raise ConfigError(msg)


def differences(before: Sweep, after: Sweep) -> list[str]:
    """Return in words the settings in which two sweeps differ."""
    one, other = (_values(sweep) for sweep in (before, after))
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    return [f"{key}: {_shown(one.get(key))} before, {_shown(other.get(key))} now" for key in keys]


def _values(sweep: Sweep) -> dict[str, list[Any]]:
    """Return the values of each setting in all trainings."""
    of_each = [parameters(resolved(settings)) for settings in sweep.trainings]
    keys = dict.fromkeys(key for one in of_each for key in one)
    return {key: [one.get(key) for one in of_each] for key in keys}


def _shown(values: list[Any] | None) -> str:
    texts = dict.fromkeys(json.dumps(value) for value in values or [])
    return shortened(", ".join(texts)) or "none"


def tags_of(parent: Run, number: int) -> dict[str, str]:
    """Return the tags of the run of a training, by its number from 1."""
    return parent_tag(parent) | {_NUMBER: str(number)}


def runs_of(parent: Run) -> dict[int, Run]:
    """Return the runs of the trainings that were begun and can be resumed, by their numbers."""
    found: dict[int, Run] = {}
    for run in child_runs(parent):
        number = run.tags.get(_NUMBER, "")
        if number.isdecimal() and (run.artifacts / TRAINING).is_file():
            found.setdefault(int(number), run)
    return found


def _dump(settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = resolved(settings).model_dump(mode="json")
    return found
