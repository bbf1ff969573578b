"""Cleaning: what is absent in a jet becomes the default of its column, and a mask says where (arXiv:2203.13890)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.jets.schema import Column

__all__ = ["clean", "integer_columns", "is_default"]


def is_default(values: NDArray[np.float32], default: ArrayLike) -> NDArray[np.bool_]:
    """Return where values [n, c] are absent: not finite, or not above the default [c].

    A value equal to the default counts as absent: a network cannot tell them apart. A default of NaN takes all finite
    values as present.
    """
    floor = np.where(np.isnan(default), -np.inf, np.asarray(default, np.float64)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        return ~((values > floor) & (values < np.inf))


def clean(values: NDArray[np.float32], default: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return values [n, c] with defaults where something is absent, and the mask of these places.

    No jet is dropped. Non-finite values (also the padding of missing tracks) and values below the default are replaced.

    Args:
        values: as read.
        default: of each column [c], see :mod:`TauAdv.jets.defaults`.
    """
    absent = is_default(values, default)
    return np.where(absent, np.asarray(default, np.float32), values), absent


def integer_columns(columns: Sequence[Column]) -> NDArray[np.bool_]:
    """Return which columns [c] hold counts or codes."""
    return np.array([column.variable.integer for column in columns], bool)
