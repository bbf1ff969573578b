"""The value that stands for "absent" in every column: fixed, just below the smallest value, or as published.

(arXiv:1607.08633.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.jets.published import published_columns
from TauAdv.jets.schema import Column, DefaultRule

__all__ = ["computed_defaults", "fixed_defaults", "published_defaults"]


def fixed_defaults(columns: Sequence[Column]) -> NDArray[np.float64]:
    """Return the default of columns where the table fixes it, NaN where it lies below the smallest value."""
    defaults = [column.variable.default for column in columns]
    return np.array([np.nan if isinstance(default, DefaultRule) else default for default in defaults], np.float64)


def computed_defaults(columns: Sequence[Column], minimum: ArrayLike) -> NDArray[np.float64]:
    """Return the defaults by the rules of the table.

    Args:
        columns: of the jets.
        minimum: smallest finite value of each column among the training jets; inf where there is none (0 is then taken).

    Returns:
        float64 [c], numbers that float32 holds exactly; those of a rule are below the minimum also in float32.
    """
    minimum = np.asarray(minimum, np.float64)
    defaults = fixed_defaults(columns)
    for number, column in enumerate(columns):
        rule = column.variable.default
        if isinstance(rule, DefaultRule):
            defaults[number] = _below(rule, minimum[number] if np.isfinite(minimum[number]) else 0.0)
    return defaults.astype(np.float32).astype(np.float64)


def _below(rule: DefaultRule, minimum: float) -> float:
    default = np.float32(rule.value(minimum))
    if default < minimum:
        return float(default)
    return float(np.nextafter(np.float32(minimum), np.float32(-np.inf)))  # delta is below the resolution of float32


def published_defaults(columns: Sequence[Column]) -> NDArray[np.float64]:
    """Return the published defaults of columns, as numbers that float32 holds exactly."""
    published = published_columns()
    return np.array([published[column.name].default for column in columns], np.float32).astype(np.float64)
