"""Numbers that follow from the content of a row alone: which part of a data set it belongs to, whatever the order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["hash_fraction", "hash_rows"]


def hash_fraction(seed: int, keys: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """Return float64 [n] in [0, 1): the same number for equal keys (splitmix64, chained over the keys).

    Args:
        seed: another one gives other, independent numbers.
        keys: integer arrays [n].
    """
    state: Any = np.uint64(seed % 2**64)
    for key in keys:
        state = _mix(state ^ key.astype(np.uint64))
    return (state >> np.uint64(11)) * 2.0**-53


def hash_rows(values: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return uint64 [n]: a number of the content of every row [n, columns] (multilinear hash, then splitmix64)."""
    odd = _mix(np.arange(1, values.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    return _mix(values.astype(np.uint64) @ odd)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
