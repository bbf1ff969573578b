"""Colours of disturbances and line styles of runs, the same in every plot of a study."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["disturbance_colors", "file_name", "line_styles", "words"]

_KNOWN = {"raw": "black", "FGSM": "#bd1f01", "PGD": "#832db6", "noise": "#3f90da"}
_KNOWN |= {"systematic up": "#ffa90e", "systematic down": "#a96b59"}
_OTHERS = ("#94a4a2", "#e76300", "#92dadd", "#717581", "#b9ac70")
_LINES = ("-", "--", ":", "-.")


def disturbance_colors(names: Sequence[str]) -> dict[str, str]:
    """Return name -> colour of disturbances."""
    unknown = [name for name in names if name not in _KNOWN]
    return {name: _KNOWN.get(name) or _OTHERS[unknown.index(name) % len(_OTHERS)] for name in names}


def line_styles(runs: Sequence[str]) -> dict[str, str]:
    """Return run -> line style: the first one is drawn as a full line."""
    return {run: _LINES[number % len(_LINES)] for number, run in enumerate(runs)}


def words(flavour: str) -> str:
    """Return the name of a class as it stands in labels."""
    return {"udsg": "light jet", "b": "b jet", "c": "c jet", "tau": r"$\tau_h$", "mu": r"$\mu$"}.get(flavour, flavour)


def file_name(*parts: str) -> str:
    """Return parts joined to a name that any file system takes."""
    return re.sub(r"[^\w.-]+", "_", "_".join(parts))
