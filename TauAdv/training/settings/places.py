"""Where a key of a training is: its group, and which training has it, for messages about keys that are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from TauAdv.config.problems import settings_in
from TauAdv.taggers.registry import taggers
from TauAdv.training.methods.registry import method_class, method_kinds

__all__ = ["in_groups", "place_of_key", "settings_of_method"]


def settings_of_method(rows: Any, kind: str) -> Any:
    """Return the class of the settings of trainings of some rows with a method, such as ``TauSettings``."""
    return rows.with_domains() if method_class(kind).reads_domains else rows


def place_of_key(key: str, settings: Any) -> str | None:
    """Return what to write for a key that is not where it was looked for; ``None`` if no training has it.

    Args:
        key: without group.
        settings: class of the settings that were to have it.
    """
    for place in (*_places(settings), *_inner_places(settings)):
        if _last(place) == key:
            return f"write {place}"
    trainings = [spec.training for spec in taggers().values()]
    trainings.sort(key=lambda training: training.settings_type().rows != settings.rows)  # of the same rows first
    return next((found for training in trainings if (found := _home(key, training))), None)


def in_groups(content: Mapping[str, Any], settings: Any) -> dict[str, Any]:
    """Return settings of before they were in groups, as they are written now; what has no place stays where it is.

    Args:
        content: with a ``method`` that is its kind alone.
        settings: class of the settings.
    """
    method = content["method"]
    places = [*_places(settings), *(f"method.{key}" for key in method_class(method).model_fields)]
    known = {_last(place): place for place in places}
    found: dict[str, Any] = {"tagger": content.get("tagger"), "method": {"kind": method}}
    for key, value in content.items():
        group, _, name = known.get(key, key).rpartition(".")
        if key != "method":
            (found.setdefault(group, {}) if group else found)[name] = value
    return found


def _home(key: str, training: Any) -> str | None:
    """Return the place of a key in the trainings of a tagger, and which of them have it."""
    rows = training.settings_type()
    found: dict[str, list[str]] = {}
    for kind in method_kinds():
        of_method = [f"method.{name}" for name in method_class(kind).model_fields]
        for place in (*_places(settings_of_method(rows, kind)), *of_method):
            if _last(place) == key:
                found.setdefault(place, []).append(f"'method: {kind}'")
    for place, kinds in found.items():
        of_which = "" if place in _places(rows) else f"{' or '.join(kinds)} of "
        return f"it belongs to {of_which}{training.full_title}, as {place}"
    return None


def _places(settings: Any) -> list[str]:
    """Return the keys of all groups that do not depend on the method, with their groups."""
    found = []
    for name, field in settings.model_fields.items():
        part = settings_in(field.annotation)
        found += [name] if part is None else [f"{name}.{key}" for key in part.model_fields]
    return found


def _inner_places(settings: Any) -> list[str]:
    """Return the keys of groups within groups, such as ``model.pretrained.run_id``; none of those that are in several."""
    found = [
        f"{name}.{key}.{inner}"
        for name, field in settings.model_fields.items()
        for key, one in getattr(settings_in(field.annotation), "model_fields", {}).items()
        for inner in getattr(settings_in(one.annotation), "model_fields", ())
    ]
    names = Counter(map(_last, found))
    return [place for place in found if names[_last(place)] == 1]


def _last(place: str) -> str:
    return place.rpartition(".")[2]
