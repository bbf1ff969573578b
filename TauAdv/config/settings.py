"""Typed settings: load from YAML, override from the command line, validate all at once, dump.

Every step's settings are a :class:`Settings` subclass kept beside the step. Unknown keys are errors that suggest the nearest
known key; all errors of a file are listed together, contradictions and missing inputs among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from TauAdv.config.problems import problems
from TauAdv.errors import ConfigError

__all__ = ["Settings", "dump_settings", "load_settings", "read_yaml", "validate_settings"]


class Settings(BaseModel):
    """Base of all settings: immutable, and no key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from ()

    def input_paths(self) -> dict[str, Path]:
        """Return the files and folders that must be there, by the key that names them."""
        return {}

    def missing_inputs(self) -> list[str]:
        """Return a line for every file or folder of :meth:`input_paths` that is not there."""
        return [f"{key}: {path}: no such file or folder" for key, path in self.input_paths().items() if not path.exists()]

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """Return what a key that is none of these settings belongs to, for messages; ``None`` if that is not known."""
        return None

    @model_validator(mode="after")
    def _require_agreement(self) -> Self:
        if found := [message for _, message in self.contradictions()]:
            raise ValueError("\n".join(found))
        return self


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
        lines = problems(kind, content, error)
        msg = f"{source}: {len(lines)} setting{'s' if len(lines) > 1 else ''} not accepted:\n  " + "\n  ".join(lines)
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
