"""The settings of a training by its method: those of its rows, and the method's own beside them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from pydantic import create_model
from pydantic_core import PydanticKnownError

from TauAdv.training.methods.registry import method_class, method_kinds

__all__ = ["settings_of_method", "title_of_method", "variants_by_method", "without_settings"]


@cache
def settings_of_method(rows: Any, kind: str) -> Any:
    """Return the class of the settings of a training with a method.

    Args:
        rows: class of the settings of trainings of some rows, ``TauSettings`` or ``JetSettings``.
        kind: of the method.
    """
    method = method_class(kind)
    base = rows.with_domains() if method.reads_domains else rows
    own: dict[str, Any] = {name: (field.annotation, field) for name, field in method.model_fields.items()}
    own["method"] = (Literal[kind], kind)
    names: dict[str, Any] = {"__base__": base, "__doc__": method.__doc__, "__module__": base.__module__}
    return create_model(f"{base.__name__}_{kind}", **names, **own)


def variants_by_method(rows: Any) -> Iterator[tuple[str, Any]]:
    """Yield every method with the class of its settings."""
    for kind in method_kinds():
        yield kind, settings_of_method(rows, kind)


def title_of_method(kinds: list[str]) -> str:
    """Return how messages call trainings by some methods."""
    return " or ".join(f"'method: {kind}'" for kind in kinds)


def without_settings(kind: Any) -> str:
    """Return a method whose settings are none of its own; others become settings of another class.

    Raises:
        ValueError: if there is no such method, or it was given another name.
    """
    known = method_kinds()
    for name in known:
        if kind in method_class(name).former_names:
            msg = f"'{kind}' is called '{name}' now: method={name}"
            raise ValueError(msg)
    if kind not in known:
        raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, known))})
    if method_class(kind).model_fields or method_class(kind).reads_domains:
        msg = f"method '{kind}' has settings of its own: make them with training_settings"
        raise ValueError(msg)
    return str(kind)
