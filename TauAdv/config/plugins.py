"""What packages bring by entry points beside what comes with TauAdv: attacks, methods, input formats."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from TauAdv.errors import ConfigError

__all__ = ["known_plugins", "load_plugin"]


def known_plugins(group: str, own: Mapping[str, str], plural: str) -> dict[str, EntryPoint]:
    """Return entry points by name, our own first; none is imported.

    Args:
        group: of the entry points.
        own: name -> ``module:class`` of those that come with TauAdv.
        plural: what they are, for messages.

    Raises:
        ConfigError: two have the same name.
    """
    found = {name: EntryPoint(name, place, group) for name, place in own.items()}
    for entry in entry_points(group=group):
        if entry.name in found:
            msg = f"two {plural} are called '{entry.name}': {found[entry.name].value} and {entry.value}; rename one of them"
            raise ConfigError(msg)
        found[entry.name] = entry
    return found


def load_plugin(entry: EntryPoint, what: str) -> Any:
    """Return the object that an entry point names.

    Args:
        entry: the entry point.
        what: it is, for messages.

    Raises:
        ConfigError: it cannot be imported.
    """
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        msg = f"{what} '{entry.name}' ({entry.value}): {error}; mend or remove the package that brings it"
        raise ConfigError(msg) from error
