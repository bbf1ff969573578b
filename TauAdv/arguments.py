"""Arguments of functions that users call from Python: taken if they are what the signature says, as settings are.

Python takes ``"maybe"`` for true and the letters of ``"evt"`` for three names; here both are one line that says so.
"""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ValidationError, create_model

from TauAdv.config.meaning import AsMeant
from TauAdv.config.problems import problems
from TauAdv.errors import InputError, shortened

__all__ = ["checked", "require_type"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_PLAIN = (bool, int, float, str, Path, NoneType)
_LISTS = (Sequence, list, tuple)


def checked(function: _Function) -> _Function:
    """Decorate a function: an argument that is not of the type of its annotation is an :class:`InputError` that names it.

    Texts, paths, numbers, truth values and lists of these are taken as settings are: blank text and numbers that are not
    finite are refused, ``~`` is replaced in paths, bounds of ``Annotated`` hold. Values of numpy are numbers like others.
    Of other classes, the argument must be an instance. ``Any`` and arrays are left as they are.

    Example:
        >>> @checked
        ... def head(rows: Annotated[int, Field(ge=0)]): ...
    """
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        annotations = _annotations(function)
        for name, value in bound.arguments.items():
            if name not in annotations:
                continue
            parameter = signature.parameters[name]
            kind, argument = parameter.kind, _Argument(function.__qualname__, name, annotations[name], parameter.default)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(argument.accepted(one) for one in value)
            elif kind is inspect.Parameter.VAR_KEYWORD:
                inner = {key: _Argument(function.__qualname__, key, annotations[name]) for key in value}
                bound.arguments[name] = {key: inner[key].accepted(one) for key, one in value.items()}
            else:
                bound.arguments[name] = argument.accepted(value)
        return function(*bound.args, **bound.kwargs)

    return cast("_Function", call)


def require_type(value: Any, annotation: Any, name: str, source: str) -> None:
    """Refuse a value that is not of a type.

    Raises:
        InputError: names it, as ``source: name: expected ...``.
    """
    _Argument(source, name, annotation).accepted(value)


@cache
def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of arguments; of those whose names are for type checkers only, none."""
    found: dict[str, Any] = {}
    for name, annotation in function.__annotations__.items():
        one: Any = SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= typing.get_type_hints(one, globalns=getattr(function, "__globals__", {}), include_extras=True)
        except NameError:
            continue
    return {name: annotation for name, annotation in found.items() if name != "return"}


@dataclass(frozen=True)
class _Argument:
    """An argument.

    Attributes:
        of: the function.
        name: of the argument.
        annotation: its type.
        default: if it is not given.
    """

    of: str
    name: str
    annotation: Any
    default: Any = None

    def accepted(self, value: Any) -> Any:
        """Return the value as the function gets it.

        Raises:
            InputError: it is not of the type.
        """
        plain, classes = _split(self.annotation)
        if classes is None or (isinstance(value, classes) and not isinstance(value, str)):
            self._require_items(value)
            return value
        if plain is None:
            expected = " or ".join(one.__name__ for one in classes)
            raise InputError(self._problem(f"{self.name}: expected a {expected}; received {_shown(value)}"))
        if value is None and NoneType not in _alternatives(plain):
            raise InputError(self._problem(f"{self.name}: expected a value; received None"))
        if isinstance(value, str) and value == self.default:  # it may be empty, as that of a title
            return value
        content = {self.name: _plain_value(value, plain)}
        model = _model(self.name, plain)
        try:
            return getattr(model.model_validate(content), self.name)
        except ValidationError as error:
            alone = isinstance(value, str) and _is_list(plain) and str not in _alternatives(plain)
            hint = f"; write [{value!r}]" if alone else ""
            raise InputError(self._problem(problems(model, content, error)[0] + hint)) from error

    def _require_items(self, value: Any) -> None:
        """Refuse a list or a mapping with something else in it than the class that the annotation says."""
        within = {get_origin(one): get_args(one)[-1] for one in _alternatives(self.annotation) if get_args(one)}
        for origin, expected in within.items():
            if origin not in (*_LISTS, Mapping) or not isinstance(value, origin) or not _is_known_class(expected):
                continue
            for place, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                if not isinstance(item, expected):
                    line = f"{self.name}.{place}: expected a {expected.__name__}; received {_shown(item)}"
                    raise InputError(self._problem(line))

    def _problem(self, line: str) -> str:
        return f"{self.of}: {line}"


@cache
def _model(name: str, annotation: Any) -> type[BaseModel]:
    fields: Any = {name: (annotation, ...)}
    return create_model("Argument", __base__=AsMeant, **fields)


@cache
def _split(annotation: Any) -> tuple[Any, tuple[type, ...] | None]:
    """Return the part of a type that settings may have, and the classes; ``None`` for these if anything may be given."""
    if get_origin(annotation) is Annotated:
        return annotation, ()
    plain, classes = [], []
    for one in _alternatives(annotation):
        origin = get_origin(one)
        if _is_plain(one):
            plain.append(one)
        elif _is_known_class(origin or one):
            classes.append(origin or one)
        else:
            return None, None
    if not any(one is not NoneType for one in plain):
        classes += [NoneType] * len(plain)
        return None, tuple(classes)
    return Union[tuple(plain)], tuple(classes)  # noqa: UP007 of a tuple


def _is_known_class(annotation: Any) -> bool:
    """Return whether an argument can be an instance of it; types of numpy also stand for lists."""
    if annotation is Any or not isinstance(annotation, type) or annotation.__module__.startswith("numpy"):
        return False
    return not getattr(annotation, "_is_protocol", False) or getattr(annotation, "_is_runtime_protocol", False)


def _is_plain(annotation: Any) -> bool:
    """Return whether a type is of text, numbers, truth values, paths, or lists of them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_plain(get_args(annotation)[0])
    if origin in _LISTS:
        inner = [one for one in get_args(annotation) if one is not Ellipsis]
        return all(_is_plain(each) for one in inner for each in _alternatives(one))
    return annotation in _PLAIN or origin is typing.Literal


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [each for one in get_args(annotation) for each in _alternatives(one)]
    return [annotation]


def _is_list(annotation: Any) -> bool:
    return any(get_origin(one) in _LISTS for one in _alternatives(annotation))


def _plain_value(value: Any, annotation: Any) -> Any:
    """Return what numpy and others made as Python has it: numbers, lists, paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if _is_list(annotation) and isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return list(_items(value))
    return value


def _items(values: Iterable[Any]) -> Iterator[Any]:
    return (one.item() if isinstance(one, np.generic) else one for one in values)


def _shown(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}, {shortened(repr(value))}"
