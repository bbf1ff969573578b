"""Typed settings: load from YAML, override from the command line, validate all at once, dump.

Every step's settings are a :class:`Settings` subclass kept beside the step. Unknown keys are errors that suggest the nearest
known key; all errors of a file are listed together, contradictions and missing inputs among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ConfigDict, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticKnownError

from TauAdv.config.meaning import AsMeant
from TauAdv.config.overrides import Overrides, apply_overrides
from TauAdv.config.paths import expanded
from TauAdv.config.problems import problems
from TauAdv.config.shipped import config_file, find_shipped
from TauAdv.config.yaml_files import read_written, read_yaml
from TauAdv.config.yaml_writer import yaml_text
from TauAdv.errors import ConfigError

__all__ = [
    "KindSettings",
    "OfKind",
    "Settings",
    "dump_settings",
    "load_settings",
    "refused_kind",
    "replaced",
    "validate_settings",
    "value_of",
]


@dataclass(frozen=True)
class _Origin:
    """The file that settings were read from; equal settings may be of different files."""

    path: Path | None = field(default=None, compare=False)


class Settings(AsMeant):
    """Base of all settings: immutable, and no key beyond the declared ones."""

    _origin: _Origin = PrivateAttr(default=_Origin())

    def files_read(self) -> list[Path]:
        """Return the files that these settings, and settings within them, were read from."""
        own = [] if self._origin.path is None else [self._origin.path]
        within = [value for _, value in self if isinstance(value, Settings)]
        return own + [path for settings in within for path in settings.files_read()]

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
        """Return what to say of a key that is none of these settings: where it belongs; ``None`` if that is not known."""
        return None

    @classmethod
    def reason_of(cls, key: str, content: Mapping[str, Any]) -> str | None:
        """Return why a setting that is not in a content is required; ``None`` if it always is."""
        return None

    @classmethod
    def chosen(cls, content: Mapping[str, Any]) -> type[Self]:
        """Return the class of the settings in ``content``, where it depends on them, as that of an attack on its kind."""
        return cls

    @classmethod
    def variants(cls) -> dict[str, type[Self]]:
        """Return kind -> class of all that settings may become by :meth:`chosen`; empty if there is no choice."""
        return {}

    @model_validator(mode="after")
    def _require_agreement(self) -> Self:
        if found := [message for _, message in self.contradictions()]:
            raise ValueError("\n".join(found))
        return self


class KindSettings(Settings):
    """Settings that become those of their kind's class, which adds its own.

    A subclass has a setting ``kind`` of the type ``str``; the classes of single kinds narrow it to their own name. In files
    and on the command line, the kind alone stands for settings that are its defaults: ``method: mmd``.
    """

    model_config = ConfigDict(polymorphic_serialization=True)

    @classmethod
    def kinds(cls) -> list[str]:
        """Return all kinds."""
        raise NotImplementedError

    @classmethod
    def class_of_kind(cls, kind: str) -> Any:
        """Return the class of the settings of a kind."""
        raise NotImplementedError

    @classmethod
    def is_of_one_kind(cls) -> bool:
        """Return whether the class is that of a single kind."""
        return cls.model_fields["kind"].annotation is not str

    def __new__(cls, **values: Any) -> Self:
        """Return an object of the class of the kind that the values name."""
        return super().__new__(cls.chosen(values))

    @classmethod
    def chosen(cls, content: Mapping[str, Any]) -> type[Self]:
        """Return the class of the settings in ``content``; this one if it is that of a kind, or there is no such kind."""
        kind = str(content.get("kind", cls.model_fields["kind"].default))
        return cls if cls.is_of_one_kind() or kind not in cls.kinds() else cls.class_of_kind(kind)

    @classmethod
    def variants(cls) -> dict[str, type[Self]]:
        """Return kind -> class of all kinds; empty for the settings of one."""
        return {} if cls.is_of_one_kind() else {kind: cls.class_of_kind(kind) for kind in cls.kinds()}

    @classmethod
    def own_part(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a content is to become these settings."""
        return dict(content)

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_kind(cls, content: Any, as_it_is: Callable[[Any], Self]) -> Self:
        if isinstance(content, str):
            content = {"kind": content}
        if not isinstance(content, Mapping):
            return as_it_is(content)
        if (chosen := cls.chosen(content)) is not cls:
            return chosen.model_validate(content)
        return as_it_is(cls.own_part(content))


class OfKind(Settings):
    """Settings with a ``kind`` that stands, alone, for settings that are its defaults: ``cosine``."""

    @model_validator(mode="before")
    @classmethod
    def _kind_alone(cls, content: Any) -> Any:
        return {"kind": content} if isinstance(content, str) else content


def refused_kind(kinds: list[str]) -> PydanticKnownError:
    """Return the error of a kind that is none of those known."""
    *others, last = map(repr, kinds)
    return PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})


SettingsType = TypeVar("SettingsType", bound=AsMeant)


def load_settings(kind: type[SettingsType], path: Path | str | None = None, overrides: Overrides = ()) -> SettingsType:
    """Return validated settings.

    Args:
        kind: the settings class.
        path: YAML file, or the name of a shipped configuration; ``None`` starts from the defaults.
        overrides: ``"key.sub=value"`` strings, or a mapping of dotted keys to values. They win over the file; ``None``
            values of a mapping are left out, so that unset command-line options do not override. Text is taken exactly as
            typed, after the first ``=``; a list or group is YAML, ``key=[1, 2]``.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    path = None if path is None else config_file(path)
    content = {} if path is None else read_written(path) | _beside(kind, path)
    apply_overrides(content, overrides, kind.kind_alone, kind.parts)
    settings = validate_settings(kind, content, "command line" if path is None else str(path))
    if path is not None and isinstance(settings, Settings):
        settings._origin = _Origin(Path(path))
    return settings


def _beside(kind: type[AsMeant], path: Path) -> dict[str, str]:
    """Return the names in a file that start from its own folder, with the folder."""
    content = read_yaml(path) if kind.from_own_folder else {}
    names = {key: content.get(key) for key in kind.from_own_folder}
    return {key: str(_found_beside(path.parent, name)) for key, name in names.items() if isinstance(name, str)}


def _found_beside(folder: Path, name: str) -> Path:
    """Return the file in a folder, or, if there is none, the shipped configuration of that name."""
    path = folder / expanded(name)
    return path if path.is_file() else find_shipped(name) or path


def validate_settings(kind: type[SettingsType], content: Mapping[str, Any], source: str) -> SettingsType:
    """Return the settings in a mapping that was read from ``source``.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = problems(kind, content, error, source)
        msg = f"{source}: {len(lines)} setting{'s' if len(lines) > 1 else ''} not accepted:\n  " + "\n  ".join(lines)
        raise ConfigError(msg) from error


def value_of(settings: Any, key: str) -> Any:
    """Return the value of a dotted key; ``None`` also if there is no such setting."""
    for name in key.split("."):
        settings = getattr(settings, name, None)
    return settings


def replaced(settings: SettingsType, changes: Mapping[str, Any]) -> SettingsType:
    """Return settings with some values replaced, by dotted keys. New values are not validated."""
    update: dict[str, Any] = {key: value for key, value in changes.items() if "." not in key}
    for group in dict.fromkeys(key.partition(".")[0] for key in changes if "." in key):
        inner = {key.partition(".")[2]: value for key, value in changes.items() if key.startswith(f"{group}.")}
        update[group] = replaced(getattr(settings, group), inner)
    return settings.model_copy(update=update)


def dump_settings(settings: Settings) -> str:
    """Return the settings as YAML that :func:`load_settings` reads back to an equal object."""
    return yaml_text(settings.model_dump(mode="json"))
