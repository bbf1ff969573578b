"""All methods by their kind: those of TauAdv, and those that other packages bring.

A method is one file with its settings, see docs/own_method.md. Another package names its class among its entry points::

    [project.entry-points."TauAdv.methods"]
    pull = "my_package.pull:Pull"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from TauAdv.config.plugins import known_plugins, load_plugin
from TauAdv.errors import ConfigError

__all__ = ["DEFAULT_KIND", "GROUP", "method_class", "method_kinds"]

GROUP = "TauAdv.methods"
"""Group of entry points of packages that bring methods."""
DEFAULT_KIND = "none"
"""Method of a training whose settings name none."""

# by name, such that a configuration can be read without importing all methods' modules
_OWN = {
    "none": "TauAdv.training.methods.none:NoMethod",
    "reversal": "TauAdv.training.methods.reversal:Reversal",
    "mmd": "TauAdv.training.methods.mmd:Mmd",
}


@cache
def _known() -> dict[str, EntryPoint]:
    return known_plugins(GROUP, _OWN, "methods")


def method_kinds() -> list[str]:
    """Return the kinds of all methods.

    Raises:
        ConfigError: two methods have the same kind.
    """
    return list(_known())


@cache
def method_class(kind: str) -> Any:
    """Return the class of a method's settings, a subclass of :class:`TauAdv.training.methods.method.Method`.

    Raises:
        ConfigError: another package's method cannot be imported, or is of another kind than its entry point says.
        KeyError: no such kind.
    """
    entry = _known()[kind]
    found = load_plugin(entry, "method")
    field = getattr(found, "model_fields", {}).get("kind")
    if field is None or field.default != kind or not hasattr(found, "begin"):
        msg = f"method '{kind}' ({entry.value}): expected a subclass of Method whose kind is '{kind}'; received {found!r}"
        raise ConfigError(msg)
    return found
