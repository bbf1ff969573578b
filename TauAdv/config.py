"""Typed settings: load from YAML, override from the command line, validate all at once, dump.

Every step's settings are a :class:`Settings` subclass kept beside the step. Unknown keys are errors that suggest the nearest
known key; all errors of a file are listed together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from TauAdv.errors import ConfigError, nearest

__all__ = ["Settings", "dump_settings", "load_settings", "read_yaml", "validate_settings"]


class Settings(BaseModel):
    """Base of all settings: immutable, and no key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


SettingsType = TypeVar("SettingsType", bound=Settings)


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        ConfigError: if the file is missing, not YAML, or not a mapping.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: no such configuration file"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path}: not valid YAML: {error}"
        raise ConfigError(msg) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        msg = f"{path}: expected 'key: value' pairs at the top level, received a {type(content).__name__}"
        raise ConfigError(msg)
    return content


def load_settings(
    kind: type[SettingsType], path: Path | str | None = None, overrides: Iterable[str] | Mapping[str, Any] = ()
) -> SettingsType:
    """Return validated settings.

    Args:
        kind: the settings class.
        path: YAML file; ``None`` starts from the defaults.
        overrides: ``"key.sub=value"`` strings (the value is YAML), or a mapping of dotted keys to values. They win over
            the file; ``None`` values of a mapping are left out, so that unset command-line options do not override.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    content = {} if path is None else read_yaml(path)
    if isinstance(overrides, Mapping):
        pairs = [(key, value) for key, value in overrides.items() if value is not None]
    else:
        pairs = [_parse_override(text) for text in overrides]
    for key, value in pairs:
        _assign(content, key, value)
    return validate_settings(kind, content, "command line" if path is None else str(path))


def validate_settings(kind: type[SettingsType], content: Mapping[str, Any], source: str) -> SettingsType:
    """Return the settings in a mapping that was read from ``source``.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [f"  {_explain(kind, entry)}" for entry in error.errors()]
        msg = f"{source}: {len(lines)} setting{'s' if len(lines) > 1 else ''} not accepted:\n" + "\n".join(lines)
        raise ConfigError(msg) from error


def dump_settings(settings: Settings) -> str:
    """Return the settings as YAML that :func:`load_settings` reads back to an equal object."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)


def _parse_override(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        msg = f"override '{text}': expected key=value, for example adv_parameter=[1,10]"
        raise ConfigError(msg)
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        msg = f"override '{text}': the value is not valid YAML: {error}"
        raise ConfigError(msg) from error


def _assign(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for name in parents:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            msg = f"override '{key}': '{name}' is a single value, not a group of settings"
            raise ConfigError(msg)
    content[last] = value


def _explain(kind: type[BaseModel], entry: Any) -> str:
    location = [str(part) for part in entry["loc"]]
    name = ".".join(location)
    if entry["type"] == "extra_forbidden":
        known = _fields_at(kind, location[:-1])
        return f"{name}: unknown key{nearest(location[-1], known)}; known here: {', '.join(known)}"
    if entry["type"] == "missing":
        return f"{name}: required, but not given"
    return f"{name}: {entry['msg']}; received {entry['input']!r}"


def _fields_at(kind: type[BaseModel], location: list[str]) -> list[str]:
    current: Any = kind
    for part in location:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue  # an index of a list or a key of a dictionary: stay at the type of its values
        current = _settings_in(field.annotation) or current
    return list(current.model_fields)


def _settings_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _settings_in(argument):
            return found
    return None
