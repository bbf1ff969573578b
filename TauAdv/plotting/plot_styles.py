"""Colours of disturbances and line styles of runs, the same in every plot of a study, and their names in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

__all__ = ["RAW", "LineStyle", "disturbance_colors", "line_styles", "run_colors", "strengths"]

LineStyle = str | tuple[float, tuple[float, ...]]
#: Name of the inputs as they are.
RAW = "raw"
_OTHERS = ("#94a4a2", "#e76300", "#92dadd", "#717581", "#b9ac70")
#: Of runs, the same in every plot of a comparison; colour-blind readers tell them apart (M. Petroff, arXiv:2107.02270).
_RUNS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#92dadd")
_LINES: tuple[LineStyle, ...] = ("-", "--", ":", "-.")


def disturbance_colors(names: Sequence[str], attacks: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return name -> colour of disturbances; no two names have the same.

    Args:
        names: disturbances.
        attacks: name -> attack; its ``color`` is that of the first disturbance with such an attack.
    """
    chosen = {RAW: "black"}
    for name in names:
        color = getattr((attacks or {}).get(name), "color", None)
        if color is not None and color not in chosen.values():
            chosen.setdefault(name, color)
    others = [name for name in dict.fromkeys(names) if name not in chosen]
    free = [color for color in _OTHERS if color not in chosen.values()]
    more = max(0, len(others) - len(free))
    free += [to_hex(color) for color in colormaps["viridis"](np.linspace(0, 1, more))]
    return chosen | dict(zip(others, free, strict=False))


def run_colors(runs: Sequence[str]) -> dict[str, str]:
    """Return run -> colour; no two runs have the same."""
    names = list(dict.fromkeys(runs))
    more = max(0, len(names) - len(_RUNS))
    return dict(
        zip(names, [*_RUNS, *(to_hex(color) for color in colormaps["viridis"](np.linspace(0, 1, more)))], strict=False)
    )


def line_styles(runs: Sequence[str]) -> dict[str, LineStyle]:
    """Return run -> line style: the first one is drawn as a full line, and no two runs have the same."""
    return {run: _line(number) for number, run in enumerate(dict.fromkeys(runs))}


def _line(number: int) -> LineStyle:
    """Return one of the usual styles, then long dashes with two, three, four ... dots between them."""
    if number < len(_LINES):
        return _LINES[number]
    return 0, (9.0, 1.5, *((1.0, 1.5) * (number - len(_LINES) + 2)))


def strengths(disturbances: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return how strong disturbances are, in words: ``FGSM, PGD: eps = 0.1; noise: eps = 0.05``.

    Args:
        disturbances: name -> attack, with ``eps`` (a number, or columns -> number) and ``unit``.
        names: those to tell of; names without an attack (raw) are left out.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        if name in disturbances:
            groups.setdefault(_strength(disturbances[name]), []).append(name)
    return "; ".join(f"{', '.join(group)}: {text}" for text, group in groups.items())


def _strength(attack: Any) -> str:
    values = sorted(set(attack.eps.values())) if isinstance(attack.eps, Mapping) else [attack.eps]
    ends = " to ".join(f"{value:g}" for value in dict.fromkeys([values[0], values[-1]])) if values else "0"
    return rf"$\epsilon$ = {ends}" + (" resolutions" if attack.unit == "resolution" else "")
