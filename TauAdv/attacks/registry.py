"""All attacks by their kind: those of TauAdv, and those that other packages bring.

An attack is one file with one class, see docs/attacks.md. Another package names its class among its entry points::

    [project.entry-points."TauAdv.attacks"]
    shift = "my_package.shift:Shift"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from TauAdv.config.plugins import known_plugins, load_plugin
from TauAdv.errors import ConfigError

__all__ = ["DEFAULT_KIND", "attack_class", "attack_kinds"]

GROUP = "TauAdv.attacks"
"""Group of entry points of packages that bring attacks."""

DEFAULT_KIND = "fgsm"
"""Kind of an attack whose settings name none."""

# by name, such that a configuration can be read without importing all attacks' modules
_OWN = {
    "none": "TauAdv.attacks.none:NoAttack",
    "fgsm": "TauAdv.attacks.fgsm:Fgsm",
    "pgd": "TauAdv.attacks.pgd:Pgd",
    "noise": "TauAdv.attacks.noise:Noise",
    "systematic": "TauAdv.attacks.systematic:Systematic",
    "ngm": "TauAdv.attacks.ngm:Ngm",
}


@cache
def _known() -> dict[str, EntryPoint]:
    return known_plugins(GROUP, _OWN, "attacks")


def attack_kinds() -> list[str]:
    """Return the kinds of all attacks.

    Raises:
        ConfigError: two attacks have the same kind.
    """
    return list(_known())


@cache
def attack_class(kind: str) -> Any:
    """Return the class of the attacks of a kind, a subclass of :class:`TauAdv.attacks.options.AttackSettings`.

    Raises:
        ConfigError: another package's attack cannot be imported, or is of another kind than its entry point says.
        KeyError: no such kind.
    """
    entry = _known()[kind]
    found = load_plugin(entry, "attack")
    field = getattr(found, "model_fields", {}).get("kind")
    if field is None or field.default != kind:
        msg = f"attack '{kind}' ({entry.value}): expected a subclass of AttackSettings whose kind is '{kind}'"
        raise ConfigError(f"{msg}; received {found!r}")
    return found
