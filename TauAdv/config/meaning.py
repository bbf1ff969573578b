"""What a written value means to the setting that it is for.

The same text is a name to a setting of text and a number to a setting of numbers: a file with ``run_name: 0123`` means the
name "0123". Where a number or a truth value is expected, only what YAML 1.2 calls one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from TauAdv.config.paths import expanded
from TauAdv.config.scalars import NULLS, Written, core_value, has_leading_zero, is_blank, require_stored, unusable_character
from TauAdv.config.yaml_files import parse_typed
from TauAdv.errors import shortened

__all__ = ["AsMeant", "NotMeant", "opened", "takes_single", "takes_text"]

_DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,20}")


_WRITABLE_BITS = 10_000  # of whole numbers that Python makes a text of


class AsMeant(BaseModel):
    """Base of settings whose values are taken as their writer meant them."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    from_own_folder: ClassVar[tuple[str, ...]] = ()
    """Settings that name a file: a relative name in a file of settings starts from the folder of that file."""
    kind_alone: ClassVar[tuple[str, ...]] = ()
    """Groups with a ``kind`` that may be written as their kind alone."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Groups of which an override changes the keys that it names, and leaves the others."""

    @model_validator(mode="before")
    @classmethod
    def _take_as_meant(cls, content: Any) -> Any:
        if not isinstance(content, Mapping):
            return content
        return {_name(name): _of_setting(cls, name, value) for name, value in content.items()}


@dataclass(frozen=True)
class NotMeant:
    """A value that cannot be what was meant; no setting takes it.

    Attributes:
        shown: the value, as messages quote it.
        problem: what is wrong with it; ``None``: it is not of the type that is expected.
    """

    shown: str
    problem: str | None = None

    def __repr__(self) -> str:
        return self.shown


@dataclass(frozen=True)
class _Kinds:
    """What values the type of a setting takes.

    Attributes:
        text: text or paths.
        path: paths, in which ``~`` is replaced.
        number: numbers or truth values.
        truth: truth values.
        none: ``None``.
        anything: whatever is given.
        group: a class of settings.
        keys, values: types of keys and values of a dictionary, if it may be one.
        entries: type of all entries of a list, or of each.
    """

    text: bool = False
    path: bool = False
    number: bool = False
    truth: bool = False
    none: bool = False
    anything: bool = False
    group: bool = False
    keys: Any = None
    values: Any = None
    entries: tuple[Any, ...] = ()
    each: bool = False

    @property
    def within(self) -> bool:
        """Whether it may be a list or a group."""
        return self.group or self.values is not None or bool(self.entries)


def _name(name: Any) -> Any:
    return str(name) if isinstance(name, Written) else name


def _of_setting(cls: type[BaseModel], name: Any, value: Any) -> Any:
    field = cls.model_fields.get(name) if isinstance(name, str) else None
    if field is None:
        return value
    if any(isinstance(entry, BeforeValidator) for entry in field.metadata):
        return str(value) if isinstance(value, Written) else value  # it reads the text itself
    if isinstance(value, Written) and value.plain and not value:
        annotation: Any = field.annotation
        or_none = " (null: none)" if _kinds(annotation).none else ""
        return NotMeant("''", f"empty; write a value, or leave the setting out{or_none}")
    found = _meant(field.annotation, value)
    if isinstance(found, NotMeant) and field.default == "" and value == "":
        return ""
    return found


def _meant(annotation: Any, value: Any) -> Any:
    """Return what a value means to a type; ``NotMeant`` if it is of another type."""
    kinds = _kinds(annotation)
    if kinds.anything:
        return value
    if isinstance(value, Written):
        value = _unwrapped(value, kinds)
    if isinstance(value, str):
        return _text(value, kinds)
    if isinstance(value, Path):
        return _text(value, kinds)
    if isinstance(value, bool) and kinds.number and not kinds.truth:
        return NotMeant(str(value).lower())
    if isinstance(value, int) and kinds.number and not isinstance(value, bool):
        return _stored(value)
    if isinstance(value, Mapping) and kinds.values is not None and not kinds.group:
        return _dictionary(kinds, value)
    if isinstance(value, list | tuple) and kinds.entries:
        return _entries(kinds, value)
    return value


def _stored(value: int) -> Any:
    try:
        require_stored(value, str(value) if value.bit_length() < _WRITABLE_BITS else "one of thousands of digits")
    except ValueError as error:
        return NotMeant("", str(error))
    return value


def _unwrapped(value: Written, kinds: _Kinds) -> Any:
    """Return text, number, list ... of a written value."""
    text = str(value)
    if not value.plain:
        return text
    try:
        if kinds.text and not kinds.number and not (value.typed and kinds.within and _opens(text)):
            return None if text in NULLS else text
        if not value.typed:
            return _number(text, kinds)
        content = parse_typed(text)
        return _unwrapped(content, kinds) if isinstance(content, Written) else content
    except ValueError as error:
        received = "" if "received" in str(error) else f"; received {shortened(text)!r}"
        return NotMeant(repr(shortened(text)), f"{error}{received}")


def _opens(text: str) -> bool:
    return text.lstrip()[:1] in ("[", "{")


def opened(value: Any) -> Any:
    """Return the list or group that was typed on the command line; any other value as it is."""
    if not (isinstance(value, Written) and value.typed and _opens(value)):
        return value
    try:
        return parse_typed(str(value))
    except ValueError:
        return value


def _number(text: str, kinds: _Kinds) -> Any:
    found = core_value(text)
    if kinds.number:
        require_stored(found, text)
    if kinds.number and isinstance(found, int) and has_leading_zero(text):
        msg = f"expected a number without leading zeros; received {shortened(text)}"
        raise ValueError(msg)
    return found


def _text(value: str | Path, kinds: _Kinds) -> Any:
    if not kinds.text:
        # pydantic would take text such as "yes" or "1_000" for a truth value or a number
        return NotMeant(repr(shortened(str(value)))) if kinds.number else value
    if found := unusable_character(str(value)):
        return NotMeant(ascii(shortened(str(value))), f"expected text without {found}; received {shortened(str(value))!a}")
    if isinstance(value, str) and is_blank(value):
        return NotMeant(ascii(value), "empty; write a value, or leave the setting out")
    return expanded(value) if kinds.path else value


def _dictionary(kinds: _Kinds, value: Mapping[Any, Any]) -> Any:
    found = {_key(kinds.keys, key): _meant(kinds.values, entry) for key, entry in value.items()}
    if len(found) < len(value):
        return NotMeant(shortened(", ".join(map(str, value))), f"a key is given twice: {', '.join(map(str, value))}")
    return found


def _key(annotation: Any, key: Any) -> Any:
    kinds = _kinds(annotation)
    if not isinstance(key, str) or kinds.text or kinds.anything:
        return str(key) if isinstance(key, Written) else key
    if not isinstance(key, Written) or not key.plain:
        return int(key) if _DECIMAL.fullmatch(key) else str(key)  # in JSON, every key is in quotes
    try:
        found = _number(str(key), kinds)
    except ValueError:
        return str(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else str(key)


def _entries(kinds: _Kinds, values: Sequence[Any]) -> list[Any]:
    if kinds.each and len(values) == len(kinds.entries):
        return [_meant(annotation, value) for annotation, value in zip(kinds.entries, values, strict=True)]
    annotation = kinds.entries[0] if len(kinds.entries) == 1 else Union[kinds.entries]  # noqa: UP007 of a tuple
    return [_meant(annotation, value) for value in values]


def takes_text(annotation: Any) -> bool:
    """Return whether a type takes any text, such as a name or a path."""
    return any(one in (str, Path) for one in _alternatives(annotation))


def takes_single(annotation: Any) -> bool:
    """Return whether a type takes a number, a truth value or one of some words."""
    return any(one in (bool, int, float) or get_origin(one) is Literal for one in _alternatives(annotation))


@cache
def _kinds(annotation: Any) -> _Kinds:
    found = [_kind(one) for one in _alternatives(annotation)]
    pairs = [one for one in found if one.values is not None]
    lists = [one for one in found if one.entries]
    return _Kinds(
        **{
            key: any(getattr(one, key) for one in found)
            for key in ("text", "path", "number", "truth", "none", "anything", "group")
        },
        keys=_union(one.keys for one in pairs),
        values=_union(one.values for one in pairs),
        entries=lists[0].entries if len(lists) == 1 else tuple(entry for one in lists for entry in one.entries),
        each=len(lists) == 1 and lists[0].each,
    )


def _union(annotations: Any) -> Any:
    found = tuple(annotations)
    return Union[found] if found else None  # noqa: UP007 of a tuple


def _alternatives(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [each for one in get_args(annotation) for each in _alternatives(one)]
    return [annotation]


def _kind(annotation: Any) -> _Kinds:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _kinds_of_literals(arguments)
    if origin is None:
        return _kind_of_class(annotation)
    if issubclass(origin, Mapping):
        return _Kinds(keys=arguments[0], values=arguments[1])
    if issubclass(origin, tuple) and arguments[-1:] != (Ellipsis,):
        return _Kinds(entries=arguments, each=True)
    return _Kinds(entries=arguments[:1])


def _kinds_of_literals(values: tuple[Any, ...]) -> _Kinds:
    return _Kinds(
        text=any(isinstance(value, str) for value in values),
        number=any(isinstance(value, int | float) for value in values),
        truth=any(isinstance(value, bool) for value in values),
        none=None in values,
    )


def _kind_of_class(annotation: Any) -> _Kinds:
    if annotation in (str, Path):
        return _Kinds(text=True, path=annotation is Path)
    if annotation is NoneType:
        return _Kinds(none=True)
    if annotation in (bool, int, float):
        return _Kinds(number=True, truth=annotation is bool)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _Kinds(group=True)
    return _Kinds(anything=True)
