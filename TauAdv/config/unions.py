"""What pydantic found wrong with a setting of several possible types, as one problem of that setting.

pydantic tries every type and reports what is wrong with each, at a location that holds the name of the type:
``("eps", "dict[str,constrained-float]", "track_0_D0")``. Users know neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from TauAdv.config.meaning import opened

__all__ = ["OF_A_KEY", "entry_of", "readable"]

_NOTHING = object()

OF_A_KEY = "[key]"
"""Last part of the location of a bad key of a dictionary."""


def readable(errors: Sequence[Any], content: Any) -> list[Any]:
    """Return pydantic's errors with locations that are those of the content, and one error per setting.

    Of several types, the one that the content is meant to be counts: the one whose parts or bounds are at fault, not the
    type itself. Where there is none, the error is of type ``alternatives`` and holds those of all types.

    Args:
        errors: ``ValidationError.errors()``.
        content: what was validated.
    """
    found: list[Any] = []
    unions: dict[tuple[Any, ...], dict[Any, list[Any]]] = {}
    for error in errors:
        position = _type_name(error, content)
        if position is None:
            found.append(error)
            continue
        place = error["loc"][:position]
        if place not in unions:
            unions[place] = {}
            found.append(unions[place])
        plain = error | {"loc": place + error["loc"][position + 1 :]}
        unions[place].setdefault(error["loc"][position], []).append(plain)
    chosen = [each for one in found for each in ([one] if "loc" in one else _meant(list(one.values())))]
    if unions:
        return readable(chosen, content)  # types within types
    return [error for error in chosen if not _follows(error, chosen)]


def _type_name(error: Any, content: Any) -> int | None:
    """Return which part of the location of an error is the name of a type: the first that the content does not have."""
    location = error["loc"]
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if part == OF_A_KEY or (last and error["type"] == "missing"):
            return None
        content = entry_of(content, part)
        if content is _NOTHING:
            return position if position else None  # unset: the default of a setting is at fault
    return None


def entry_of(content: Any, part: Any) -> Any:
    """Return what content has at one part of a location, whether its keys are numbers or still text; else an own object."""
    content = opened(content)
    if isinstance(content, Mapping):
        return next((value for key, value in content.items() if key == part or str(key) == str(part)), _NOTHING)
    if isinstance(content, Sequence) and not isinstance(content, str) and isinstance(part, int):
        return content[part] if part < len(content) else None
    if hasattr(content, str(part)) and not isinstance(content, str | int | float):
        return getattr(content, str(part))
    return _NOTHING


def _meant(of_types: list[list[Any]]) -> list[Any]:
    """Return the errors of the type that is meant; ``of_types`` holds those of each."""
    shortest = min(len(error["loc"]) for errors in of_types for error in errors)
    for errors in of_types:
        if any(len(error["loc"]) > shortest for error in errors):
            return errors
    for errors in of_types:
        if not any(_is_of_type(error) for error in errors):
            return errors
    entries = [errors[0] for errors in of_types]
    return [entries[0] | {"type": "alternatives", "ctx": {"entries": entries}}]


def _is_of_type(error: Any) -> bool:
    return error["type"].endswith(("_type", "_parsing")) or error["type"] in ("literal_error", "alternatives")


def _follows(error: Any, errors: Sequence[Any]) -> bool:
    """Return whether a list is too short only because some of its values are not accepted."""
    location = error["loc"]
    return error["type"] == "too_short" and any(
        other["loc"][: len(location)] == location and len(other["loc"]) > len(location) for other in errors
    )
