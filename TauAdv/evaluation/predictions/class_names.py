"""Which class a number in the column y of a prediction table stands for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from TauAdv.domain.classes import JET_CLASSES, TAU_CLASSES
from TauAdv.errors import InputError

__all__ = ["class_names"]

_KNOWN: tuple[tuple[str, ...], ...] = (TAU_CLASSES, JET_CLASSES)


def class_names(table: pd.DataFrame, given: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of the classes 0, 1, ... of a table; the order of its columns says nothing of them.

    Args:
        table: with a column ``p_NAME`` of each class; ``table.attrs["classes"]`` names them if a tagger made it.
        given: the names, where the table has lost its attributes and the classes are neither those of taus nor of jets.

    Raises:
        InputError: the names are not known, or the probability of a class is missing.
    """
    found = [str(name).removeprefix("p_") for name in table.columns if str(name).startswith("p_")]
    names = tuple(given or table.attrs.get("classes") or _known(found))
    if missing := [f"p_{name}" for name in names if name not in found]:
        msg = f"prediction table: no column {', '.join(missing)}; the classes {', '.join(names)} need one each"
        raise InputError(msg)
    if given is not None and len(set(names)) != len(names):
        msg = f"classes: each name once, in the order of the numbers of y; received {', '.join(names)}"
        raise InputError(msg)
    return names


def _known(found: Sequence[str]) -> tuple[str, ...]:
    for names in _KNOWN:
        if set(names) == set(found):
            return names
    expected = " or ".join(", ".join(f"p_{name}" for name in names) for names in _KNOWN)
    received = ", ".join(f"p_{name}" for name in found) or "none of the kind"
    msg = (
        f"prediction table: which classes are the numbers of y? expected the columns {expected}, received {received}; "
        "name them with classes=[...], class 0 first"
    )
    raise InputError(msg)
