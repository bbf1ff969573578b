"""Values that somebody hands over in memory, as an array of numbers; what is no number is refused, not guessed."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError

__all__ = ["as_array", "numbers"]


def as_array(values: Any, what: str) -> NDArray[Any] | ak.Array:
    """Return values as a numpy array; lists of lists of different lengths as an awkward array.

    Args:
        values: array, or lists.
        what: what messages call them.

    Raises:
        InputError: neither can hold them.
    """
    if isinstance(values, ak.Array):
        return values
    if isinstance(values, np.ma.MaskedArray):
        _require_none_absent(np.ma.getmask(values), what)
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        pass
    try:
        return ak.Array([list(one) for one in values])
    except (TypeError, ValueError) as error:
        msg = f"{what}: expected numbers, or a list of numbers for each row; received a {type(values).__name__} of others"
        raise InputError(msg) from error


def numbers(values: Any, what: str, suffix: str = "") -> NDArray[Any]:
    """Return an array of numbers or truth values, one of which is there for every row.

    Args:
        values: array of numpy, or of awkward without lists of different lengths.
        what: what messages call it.
        suffix: of messages about what is no number, such as ", which cannot be written".

    Raises:
        InputError: something else is in it, or values are absent: None, or masked.
    """
    try:
        found = ak.to_numpy(values) if isinstance(values, ak.Array) else np.asanyarray(values)
    except (ValueError, TypeError) as error:
        msg = f"{what}: holds {ak.type(values)}{suffix}; expected numbers"
        raise InputError(msg) from error
    if found.dtype.kind == "O":
        import pandas as pd  # half a second, in every worker process

        _require_none_absent(pd.isna(found), what)
    if found.dtype.kind not in "biuf":
        msg = f"{what}: holds {found.dtype}{suffix}; expected numbers"
        raise InputError(msg)
    _require_none_absent(np.ma.getmask(found), what)
    return np.ma.getdata(found)


def _require_none_absent(absent: NDArray[np.bool_] | np.bool_, what: str) -> None:
    if np.any(absent):
        number = int(np.flatnonzero(absent)[0])
        msg = f"{what}: {int(absent.sum())} of {absent.size} values are absent (None, or masked), first number {number}"
        raise InputError(f"{msg} (from 0); expected a number for each")
