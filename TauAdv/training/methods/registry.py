"""All methods by their kind: those of TauAdv, and those that other packages bring.

A method is one file with its settings, see docs/own_method.md. Another package names its class among its entry points::

    [project.entry-points."TauAdv.methods"]
    pull = "my_package.pull:Pull"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from TauAdv.errors import ConfigError
from TauAdv.training.methods.method import Method

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
    found = {kind: EntryPoint(kind, place, GROUP) for kind, place in _OWN.items()}
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            msg = f"two methods are called '{entry.name}': {found[entry.name].value} and {entry.value}; rename one of them"
            raise ConfigError(msg)
        found[entry.name] = entry
    return found


def method_kinds() -> list[str]:
    """Return the kinds of all methods.

    Raises:
        ConfigError: two methods have the same kind.
    """
    return list(_known())


@cache
def method_class(kind: str) -> type[Method]:
    """Return the class of a method's settings.

    Raises:
        ConfigError: another package's method cannot be imported, or is no method.
        KeyError: no such kind.
    """
    entry = _known()[kind]
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        msg = f"method '{kind}' ({entry.value}): {error}; mend or remove the package that brings it"
        raise ConfigError(msg) from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        msg = f"method '{kind}' ({entry.value}): expected a subclass of Method; received {found!r}"
        raise ConfigError(msg)
    return found
