"""Values that measures take: finite numbers, or an error that names the first rows of those that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["finite_values", "first_rows"]


def finite_values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return values [n] as float64; NaN passes no cut, and would count as a row that is rejected.

    Args:
        values: scores, one a row.
        name: of the values, for messages.

    Raises:
        InputError: says how many are not finite, and the rows of the first ones.
    """
    found = numbers(as_array(values, name), name).astype(np.float64, copy=False)
    bad = ~np.isfinite(found)
    if bad.any():
        msg = f"{name}: {int(bad.sum())} of {found.size} are not finite, {first_rows(bad)}"
        raise InputError(msg)
    return found


def first_rows(rows: NDArray[np.bool_]) -> str:
    """Return the numbers of the first rows of a selection, for messages."""
    numbers = np.flatnonzero(rows)
    return f"in rows {', '.join(map(str, numbers[:5]))}{', ...' if len(numbers) > 5 else ''} (from 0)"
