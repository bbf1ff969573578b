"""Which rows of a set somebody asks for: by their numbers, by one truth value each, or as a slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError, shortened

__all__ = ["row_index"]


def row_index(rows: ArrayLike | slice, num_rows: int, source: Path | str) -> NDArray[Any] | slice:
    """Return what selects rows of an array of ``num_rows``.

    Args:
        rows: numbers, from the end if they are negative; truth values, one for each row; or a slice.
        num_rows: how many there are.
        source: of the rows, for messages.

    Raises:
        InputError: it selects no rows of such an array, or one that is not there.
    """
    if isinstance(rows, slice):
        return rows
    index = np.asarray(rows)
    index = index if index.size else index.astype(np.int64)
    if index.ndim != 1 or index.dtype.kind not in "biu" or (index.dtype.kind == "b" and len(index) != num_rows):
        msg = f"{source}: rows to take: expected a list of whole numbers, or one truth value for each of {num_rows} rows"
        raise InputError(f"{msg}; received {shortened(repr(rows))}")
    if index.dtype.kind != "b" and ((wrong := (index < -num_rows) | (index >= num_rows)).any()):
        msg = f"{source}: no row {index[wrong][0]}; expected rows from 0 to {num_rows - 1}, or from {-num_rows} (the first)"
        raise InputError(f"{msg} to -1 (the last)")
    return index
