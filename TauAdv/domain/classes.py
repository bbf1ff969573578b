"""The classes that taggers tell apart, and the domains that adversaries do: their names, labels and colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "FLAVOURS",
    "JET_CLASSES",
    "JET_DOMAINS",
    "TAU_CLASSES",
    "TAU_DOMAINS",
    "JetClass",
    "TauClass",
    "class_color",
    "class_colors",
    "class_label",
    "class_word",
]

TauClass = Literal["e", "mu", "tau", "jet"]
JetClass = Literal["b", "c", "udsg"]

#: Order of the label columns and of the scores of a tau tagger; also the first numbers of ``TauType`` (tuples/matching.py).
TAU_CLASSES: tuple[TauClass, ...] = get_args(TauClass)
#: The same of a jet-flavour tagger.
JET_CLASSES: tuple[JetClass, ...] = get_args(JetClass)
#: Value of the column flavor in the jet dataset (PDG code of the quark, 0 for u, d, s and gluons).
FLAVOURS: dict[JetClass, int] = {"b": 5, "c": 4, "udsg": 0}
#: Domains of an adversarial set, in the order of its labels 0 and 1.
TAU_DOMAINS = ("simulated", "data")
JET_DOMAINS = ("nominal", "shifted")


@dataclass(frozen=True)
class _Look:
    label: str
    color: str


_LOOKS = {
    "e": _Look("e", "#e76300"),
    "mu": _Look(r"$\mu$", "#832db6"),
    "tau": _Look(r"$\tau_h$", "#3f90da"),
    "jet": _Look("jet", "#bd1f01"),
    "b": _Look("b jet", "#bd1f01"),
    "c": _Look("c jet", "#3f90da"),
    "udsg": _Look("light jet", "#ffa90e"),
    "nominal": _Look("nominal", "#3f90da"),
    "shifted": _Look("shifted", "#bd1f01"),
}
# for classes that are not known here; none of them is the colour of one that is drawn beside it
_OTHER_COLORS = ("#94a4a2", "#92dadd", "#a96b59", "#717581", "#b9ac70")


def class_label(name: str) -> str:
    """Return how a class is called in plots; an unknown one by its name."""
    return _LOOKS[name].label if name in _LOOKS else name


def class_word(name: str) -> str:
    """Return how a class is called in text."""
    return {"udsg": "light"}.get(name, name)


def class_color(name: str) -> str:
    """Return the colour of a class that is drawn alone."""
    return class_colors([name])[name]


def class_colors(names: Iterable[str]) -> dict[str, str]:
    """Return name -> colour of classes that are drawn together, in their order."""
    names = list(names)
    unknown = [name for name in names if name not in _LOOKS]
    others = {name: _OTHER_COLORS[number % len(_OTHER_COLORS)] for number, name in enumerate(unknown)}
    return {name: _LOOKS[name].color if name in _LOOKS else others[name] for name in names}
