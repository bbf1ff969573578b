"""Count, mean, variance and range of columns, read a block at a time and merged in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of some columns; add two of them to know it of both blocks.

    Attributes:
        count: int64 [c], values.
        mean: float64 [c], 0 without values.
        squares: float64 [c], sum of the squared deviations from the mean.
        minimum, maximum: float64 [c], inf and -inf without values.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]

    @classmethod
    def empty(cls, columns: int) -> Moments:
        """Return the moments of no values."""
        zero = np.zeros(columns)
        return cls(np.zeros(columns, np.int64), zero, zero, np.full(columns, np.inf), np.full(columns, -np.inf))

    @classmethod
    def of(cls, values: NDArray[np.floating], valid: NDArray[np.bool_]) -> Moments:
        """Return the moments of the values [n, c] that are ``valid``."""
        count = valid.sum(axis=0)
        wide = values.astype(np.float64)
        zeroed = np.where(valid, wide, 0.0)
        mean = zeroed.sum(axis=0) / np.maximum(count, 1)
        deviation = np.where(valid, wide - mean, 0.0)
        squares = np.einsum("ij,ij->j", deviation, deviation)
        minimum = np.where(valid, wide, np.inf).min(axis=0, initial=np.inf)
        maximum = np.where(valid, wide, -np.inf).max(axis=0, initial=-np.inf)
        return cls(count, mean, squares, minimum, maximum)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of the values of both (Chan, Golub and LeVeque, 1979)."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        shift = other.mean - self.mean
        return Moments(
            count,
            self.mean + shift * share,
            self.squares + other.squares + shift**2 * self.count * share,
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )

    @property
    def variance(self) -> NDArray[np.float64]:
        """Population variance; exactly 0 where all values are equal."""
        return np.where(self.constant, 0.0, self.squares / np.maximum(self.count, 1))

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Columns with no two different values."""
        return ~(self.minimum < self.maximum)

    def arrays(self) -> dict[str, NDArray]:
        """Return all of it by name; ``Moments(**arrays)`` gives it back."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Moments:
        """Return the moments that :meth:`arrays` described."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})
