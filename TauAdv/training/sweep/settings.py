"""The settings of a sweep: some keys with several values on the command line, one training for each combination."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

from TauAdv.config import KindSettings, read_yaml
from TauAdv.config.meaning import opened, takes_single, takes_text
from TauAdv.config.overrides import apply_overrides, override_pairs, separated
from TauAdv.config.problems import settings_in
from TauAdv.config.scalars import NULLS, Written, is_blank
from TauAdv.config.shipped import config_file
from TauAdv.errors import ConfigError, TauAdvError
from TauAdv.runs import Run
from TauAdv.runs.layout import SWEEP
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.load import settings_class, training_settings

__all__ = ["Sweep", "is_sweep", "of_all", "sweep_settings"]

Found = TypeVar("Found")

_LISTS = (list, tuple, range)
_OF_ALL = {
    "output": "it says what is written, not what is trained",
    "schedule.devices": "all trainings of a sweep are done on the same devices",
}


@dataclass(frozen=True)
class Sweep:
    """The trainings of a sweep; of a single training, if nothing varies.

    Attributes:
        varied: values, as they were written, of the settings that have several.
        trainings: settings of each combination; the last key varies fastest.
    """

    varied: Mapping[str, tuple[str, ...]]
    trainings: tuple[TrainingSettings, ...]

    @property
    def labels(self) -> list[str]:
        """What tells each training from the others: ``seed=2, adv_parameter=[1,6]``."""
        return [_label(values) for values in self.values]

    @property
    def values(self) -> list[dict[str, str]]:
        """The values of each training that vary."""
        return [dict(zip(self.varied, values, strict=True)) for values in product(*self.varied.values())]

    def __str__(self) -> str:
        """Return in words what varies."""
        keys = [f"{key} ({len(values)}: {'; '.join(values)})" for key, values in self.varied.items()]
        return f"sweep of {len(self.trainings)} trainings over {', '.join(keys)}"


def sweep_settings(
    path: Path | str | None = None,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    defaults: Mapping[str, str] | None = None,
) -> Sweep:
    """Return the validated settings of all trainings that are asked for.

    Several values of a key stand behind each other with commas, ``seed=1,2,3``; lists and groups in their brackets,
    ``method.adv_parameter=[1,0],[1,6]``. Text of the user's own, such as names and paths, is always one value.

    Args:
        path: YAML file, or the name of a shipped configuration.
        overrides: ``"key=value"`` strings, or a mapping, in which a list of values of a single number stands for several.
        defaults: as in :func:`TauAdv.training.settings.load.training_settings`.

    Raises:
        ConfigError: lists everything that is wrong with the settings of any training; also for a key that must be the same
            in all, an empty value, and two trainings with the same settings.
    """
    overrides = overrides if isinstance(overrides, Mapping) else list(overrides)
    given = dict(_with_parts(override_pairs(overrides)))
    varied = {key: values for key, values in _all_values(path, given, defaults) if len(values) > 1}
    if not varied:
        return Sweep({}, (training_settings(path, overrides, defaults),))
    _require_varied(varied)
    sweep = Sweep({key: tuple(map(_text, values)) for key, values in varied.items()}, ())
    combinations = [{**given, **dict(zip(varied, values, strict=True))} for values in product(*varied.values())]
    trainings = of_all(sweep.labels, (partial(training_settings, path, each, defaults) for each in combinations))
    _require_different(trainings, sweep.labels)
    return replace(sweep, trainings=tuple(trainings))


def _with_parts(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield overrides; of a group that is a mapping, which may hold lists of values, key by key.

    Another group than ``TrainingSettings.parts`` replaces that of the file: what its lists leave of it comes first.
    """
    for key, value in pairs:
        if not isinstance(value, Mapping):
            yield key, value
            continue
        alone = {name for name, one in value.items() if key in TrainingSettings.parts or isinstance(one, _LISTS)}
        if key not in TrainingSettings.parts:
            yield key, {name: one for name, one in value.items() if name not in alone}
        yield from ((f"{key}.{name}", _given(value[name])) for name in value if name in alone)


def _given(value: Any) -> Any:
    """Return a value as an override has it, in which ``None`` means that nothing is given."""
    return Written("null", typed=True) if value is None else value


def _all_values(
    path: Path | str | None, given: Mapping[str, Any], defaults: Mapping[str, str] | None
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the values of each override."""
    asked = {key: values for key, value in given.items() if len(values := _candidates(value)) > 1}
    if not asked:
        return
    content = {} if path is None else read_yaml(config_file(path))
    firsts = {
        key: asked[key][0] if key in asked and key in TrainingSettings.kind_alone else value for key, value in given.items()
    }
    apply_overrides(content, firsts, TrainingSettings.kind_alone, TrainingSettings.parts)
    kind = settings_class({**(defaults or {}), **content})
    for key, values in asked.items():
        if _may_vary(kind, key, values):
            yield key, values


def _candidates(value: Any) -> Sequence[Any]:
    """Return the several values that an override may stand for; the type of its setting decides whether it does."""
    if isinstance(value, Written):
        return [Written(one, typed=True) for one in separated(str(value))]
    if isinstance(value, _LISTS):
        return [_given(one) for one in value]
    return [value]


def _may_vary(kind: Any, key: str, values: Sequence[Any]) -> bool:
    """Return whether values between commas are several of a setting; they are not where they can be part of a text."""
    if key in kind.kind_alone:
        return True
    types = [*_types(kind, key.split(".")), *_types(kind.with_domains(), key.split("."))]
    if not types or any(takes_text(one) for one in types):
        return False
    return any(takes_single(one) for one in types) or all(_is_inner(value) for value in values)


def _types(kind: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield the types of a key, given by its parts, in a class of settings or in those of its kinds."""
    name, *rest = names
    for one in (kind, *kind.variants().values()):
        field = one.model_fields.get(name)
        if field is None:
            continue
        if not rest:
            yield Literal[""] if name == "kind" and issubclass(one, KindSettings) else field.annotation
        elif (part := settings_in(field.annotation)) is not None:
            yield from _types(part, rest)


def _is_inner(value: Any) -> bool:
    """Return whether a value is a list, a group or none."""
    return isinstance(opened(value), list | tuple | Mapping) or (isinstance(value, Written) and value in NULLS)


def _require_varied(varied: Mapping[str, Sequence[Any]]) -> None:
    for key, values in varied.items():
        for beginning, reason in _OF_ALL.items():
            if f"{key}.".startswith(f"{beginning}."):
                msg = f"{key}={_joined(values)}: expected one value, received {len(values)}; {reason}"
                raise ConfigError(msg)
        if any(isinstance(value, Written) and is_blank(value) for value in values):
            msg = f"{key}={_joined(values)}: one of the values is empty; write {len(values)} values, or one comma less"
            raise ConfigError(msg)


def is_sweep(run: Run) -> bool:
    """Return whether a run is that of a sweep."""
    return (run.artifacts / SWEEP).is_file()


def of_all(labels: Sequence[str], calls: Iterable[Callable[[], Found]]) -> list[Found]:
    """Return what calls give, one for each training; what is wrong with any of them is reported at once.

    Args:
        labels: of the trainings.
        calls: one for each.

    Raises:
        ConfigError: lists the errors, each once, with the trainings that it concerns unless these are all.
    """
    found: list[Found] = []
    problems: dict[str, list[str]] = {}
    for call, label in zip(calls, labels, strict=True):
        try:
            found.append(call())
        except TauAdvError as error:
            title, *lines = str(error).split("\n  ")
            for line in lines or [title]:
                problems.setdefault(line, []).append(label)
    if problems:
        listed = [_of_some(line, those, len(labels)) for line, those in problems.items()]
        msg = f"{len(listed)} problem{'s' if len(listed) > 1 else ''} with the trainings of the sweep:\n  "
        raise ConfigError(msg + "\n  ".join(listed))
    return found


def _of_some(problem: str, labels: Sequence[str], n_trainings: int) -> str:
    if len(labels) == n_trainings:
        return problem
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"with {labels[0]}{more}: {problem}"


def _require_different(trainings: Sequence[TrainingSettings], labels: Sequence[str]) -> None:
    for number, settings in enumerate(trainings):
        if settings in trainings[:number]:
            msg = f"the trainings with {labels[trainings.index(settings)]} and {labels[number]} are the same; leave one out"
            raise ConfigError(msg)
    devices = trainings[0].schedule.devices
    if devices == "multi_worker":
        msg = "schedule.devices: a sweep is done by one process; take mirrored, or start each training by itself"
        raise ConfigError(msg)


def _label(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in values.items())


def _joined(values: Sequence[Any]) -> str:
    return ",".join(map(_text, values))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, default=str)
