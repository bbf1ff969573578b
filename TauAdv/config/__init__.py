"""Settings: loading YAML files and ``key=value`` pairs, and all that is wrong with them at once.

The names below are imported when they are first used: ``tauadv --help`` needs none of them, nor pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from TauAdv.config.overrides import Overrides, given_once, merged
    from TauAdv.config.settings import (
        KindSettings,
        OfKind,
        Settings,
        dump_settings,
        load_settings,
        refused_kind,
        replaced,
        validate_settings,
        value_of,
    )
    from TauAdv.config.yaml_files import parse_yaml, read_yaml
    from TauAdv.config.yaml_writer import yaml_block, yaml_text, yaml_value

__all__ = [
    "KindSettings",
    "OfKind",
    "Overrides",
    "Settings",
    "dump_settings",
    "given_once",
    "load_settings",
    "merged",
    "parse_yaml",
    "read_yaml",
    "refused_kind",
    "replaced",
    "validate_settings",
    "value_of",
    "yaml_block",
    "yaml_text",
    "yaml_value",
]

_HOMES = {
    "overrides": ("Overrides", "given_once", "merged"),
    "settings": (
        "KindSettings",
        "OfKind",
        "Settings",
        "dump_settings",
        "load_settings",
        "refused_kind",
        "replaced",
        "validate_settings",
        "value_of",
    ),
    "yaml_files": ("parse_yaml", "read_yaml"),
    "yaml_writer": ("yaml_block", "yaml_text", "yaml_value"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"TauAdv.config.{home}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
