"""Settings of a training, of the class that its tagger and its method ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.config import load_settings, read_yaml
from TauAdv.config.overrides import merged
from TauAdv.config.shipped import config_file
from TauAdv.taggers.registry import SHIPPED, taggers
from TauAdv.training.methods.registry import DEFAULT_KIND, method_kinds
from TauAdv.training.settings.by_method import settings_of_method
from TauAdv.training.settings.common import TrainingSettings

__all__ = ["settings_class", "training_settings"]

_CHOOSING = {"tagger": SHIPPED[0].name, "method": DEFAULT_KIND}
"""The settings that decide which others there are, with their defaults."""


def training_settings(
    path: Path | str | None = None,
    overrides: Iterable[str] | Mapping[str, Any] = (),
    defaults: Mapping[str, str] | None = None,
) -> TrainingSettings:
    """Return validated settings of a training.

    Args:
        path: YAML file, or the name of a shipped configuration.
        overrides: ``"key=value"`` strings, or a mapping.
        defaults: ``tagger`` and ``method`` where neither file nor overrides name them; without it, a classifier of taus.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    content = {} if path is None else read_yaml(config_file(path))
    given = merged(overrides)
    chosen = {key: given.get(key, content.get(key)) for key in _CHOOSING}
    absent = {key: value for key, value in (defaults or {}).items() if chosen[key] is None}
    kind = settings_class(**{key: str(chosen[key] or absent.get(key, default)) for key, default in _CHOOSING.items()})
    settings: TrainingSettings = load_settings(kind, path, merged(absent, given))
    return settings


def settings_class(tagger: str, method: str) -> Any:
    """Return the class of the settings of a training; it refuses a tagger or a method that is not known."""
    known = taggers()
    rows = known.get(str(tagger), SHIPPED[0]).training.settings_type()
    return settings_of_method(rows, str(method)) if method in method_kinds() else rows
