"""Settings of a training, of the class that its tagger and its method ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.config import load_settings, read_yaml
from TauAdv.config.meaning import opened
from TauAdv.config.overrides import apply_overrides, merged
from TauAdv.config.scalars import NULLS
from TauAdv.config.shipped import config_file
from TauAdv.taggers.registry import SHIPPED, taggers
from TauAdv.training.methods.registry import DEFAULT_KIND, method_kinds
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.places import settings_of_method

__all__ = ["method_kind", "settings_class", "training_settings"]


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
    apply_overrides(content, given, TrainingSettings.kind_alone, TrainingSettings.parts)
    absent = _absent(content, defaults or {})
    apply_overrides(content, absent, TrainingSettings.kind_alone)
    settings: TrainingSettings = load_settings(settings_class(content), path, merged(given, absent))
    return settings


def _absent(content: Mapping[str, Any], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return tagger and method that settings do not name, as overrides."""
    unset = "method" in content and not isinstance(opened(content["method"]), Mapping)  # null is not the default
    named = {"tagger": content.get("tagger"), "method": method_kind(content) or unset or None}
    keys = {"tagger": "tagger", "method": "method.kind"}
    return {keys[name]: default for name, default in defaults.items() if named[name] is None}


def settings_class(content: Mapping[str, Any]) -> Any:
    """Return the class of the settings of a training, from its ``tagger`` and ``method``; of any if one is not known."""
    spec = taggers().get(str(content.get("tagger")), SHIPPED[0])
    rows, kind = spec.training.settings_type(), method_kind(content) or DEFAULT_KIND
    return settings_of_method(rows, kind) if kind in method_kinds() else rows


def method_kind(content: Mapping[str, Any]) -> str | None:
    """Return the kind of the method in the settings of a training; ``None`` if they name none."""
    method = opened(content.get("method"))
    found = method.get("kind") if isinstance(method, Mapping) else method
    return None if found is None or str(found) in NULLS else str(found)
