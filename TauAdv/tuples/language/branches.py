"""The values of a branch, as selections use them: one number per entry, or a list of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import InputError

__all__ = ["Branch"]


@dataclass(frozen=True)
class Branch:
    """A branch in some entries.

    Attributes:
        name: of the branch.
        array: its values: an awkward or numpy array, or a sequence.
    """

    name: str
    array: Any

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, entries: slice) -> Branch:
        """Return the branch in some of the entries."""
        return Branch(self.name, self.array[entries])

    @cached_property
    def _filled(self) -> ak.Array | np.ndarray:
        if isinstance(self.array, ak.Array | np.ndarray):
            return self.array
        try:
            return np.asarray(self.array)
        except ValueError:  # lists of unequal lengths
            return ak.Array(self.array)

    @property
    def is_list(self) -> bool:
        """Whether there is a list of values per entry."""
        return self._filled.ndim != 1

    @property
    def dtype(self) -> np.dtype | None:
        """The type of its numbers; ``None`` if they are no numbers."""
        try:
            return Branch(self.name, self._filled[:0])._content.dtype
        except InputError:
            return None

    @cached_property
    def values(self) -> np.ndarray:
        """The number of each entry.

        Raises:
            InputError: if there is a list of values per entry, or something that is no number.
        """
        if self.is_list:
            msg = f"branch '{self.name}' has a list of values per entry; a selection needs one value, as {self.name}[0]"
            raise InputError(msg)
        return self._numbers(self._filled)

    @cached_property
    def sizes(self) -> np.ndarray:
        """The number of values of each entry, int64."""
        if not self.is_list:
            return np.ones(len(self.array), np.int64)
        return self._numbers(ak.num(self._filled, axis=1)).astype(np.int64)

    @cached_property
    def _content(self) -> np.ndarray:
        """The values of all entries, one entry after the other."""
        return self._numbers(ak.flatten(self._filled, axis=1)) if self.is_list else self.values

    def take(self, index: Any, active: Any) -> np.ndarray:
        """Return one value of each list (a single value counts as a list of one).

        Raises:
            InputError: if there is no such value in an active entry.
            TypeError: if the index is no integer.
        """
        index = np.asarray(index)
        if index.dtype.kind == "f":
            msg = "an index needs to be an integer"
            raise TypeError(msg)
        fits = (index >= 0) & (index < self.sizes)
        if np.any(~fits & active):
            entry = int(np.flatnonzero(~fits & active)[0])
            raise self._no_value(np.broadcast_to(index, fits.shape)[entry], int(self.sizes[entry]))
        if len(self._content) == 0:
            return np.zeros(len(fits), self._content.dtype)
        starts = np.cumsum(self.sizes) - self.sizes
        return self._content[np.where(fits, starts + np.where(fits, index, 0).astype(np.int64), 0)]

    def _no_value(self, index: Any, size: int) -> InputError:
        """Return the error for an index that a list of this size has not."""
        problem = f"{self.name}[{index}] where '{self.name}' has {size} values"
        if index < 0:
            return InputError(f"{problem}: the first one has index 0; guard it, as in 'i >= 0 && {self.name}[i] > 2'")
        if index.dtype.kind == "u" and index > np.iinfo(index.dtype).max // 2:
            negative = int(index) - 2 ** (8 * index.dtype.itemsize)
            why = f"the index is unsigned, {negative} became {index}"
            return InputError(f"{problem}: {why}; guard it, as in 'n > 0 && {self.name}[n - 1] > 2'")
        return InputError(f"{problem}; guard it, as in '{self.name}.size() > {index} && {self.name}[{index}] > 2'")

    def _numbers(self, array: Any) -> np.ndarray:
        """Return an array of a C++ number type in the machine's byte order."""
        try:
            numbers = ak.to_numpy(array, allow_missing=False) if isinstance(array, ak.Array) else np.asarray(array)
        except (ValueError, TypeError) as error:
            raise self._no_number("has missing values, or lists of lists") from error
        if numbers.ndim != 1:
            raise self._no_number("has lists of lists")
        if np.ma.is_masked(array):
            raise self._no_number("has missing values")
        if numbers.dtype.kind not in "biuf" or numbers.dtype.itemsize > np.dtype(np.float64).itemsize:
            raise self._no_number(f"is of type {numbers.dtype}")
        kind = np.dtype(np.float32) if numbers.dtype == np.float16 else numbers.dtype.newbyteorder("=")
        return numbers.astype(kind, copy=False)

    def _no_number(self, problem: str) -> InputError:
        return InputError(f"branch '{self.name}' {problem}; a selection needs one number per entry")
