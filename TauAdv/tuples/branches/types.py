"""What each branch of a tree holds: numbers, lists or fixed arrays of numbers, or something that cannot be written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["BranchType", "common_dtype"]

_BITS_OF_MANTISSA = {2: 11, 4: 24, 8: 53}


@dataclass(frozen=True)
class BranchType:
    """The type of a branch.

    Attributes:
        typename: as its format calls it, for example ``float[3]`` or ``std::vector<float>``.
        dtype: of its numbers; ``None`` if it does not hold numbers alone.
        jagged: whether an entry holds a list, of any length.
        shape: fixed lengths of each value: ``(3,)`` for ``float[3]``.
        counter: the branch that counts the values of a leaf array.
        kind: what else it holds, in words, if ``dtype`` is ``None``.
        problem: why it cannot be read; empty if it can.
    """

    typename: str
    dtype: np.dtype | None = None
    jagged: bool = False
    shape: tuple[int, ...] = ()
    counter: str | None = None
    kind: str = ""
    problem: str = ""

    @property
    def can_be_written(self) -> bool:
        """Whether it holds numbers, or lists or fixed arrays of numbers, that can be read."""
        return self.dtype is not None and not self.problem

    @property
    def is_number(self) -> bool:
        """Whether an entry is one number."""
        return self.can_be_written and not self.jagged and not self.shape

    @property
    def is_list(self) -> bool:
        """Whether an entry is a list of numbers, of any or of fixed length."""
        return self.can_be_written and self.jagged + len(self.shape) == 1

    @property
    def reason(self) -> str:
        """Why it cannot be read or written."""
        return self.problem or self.kind

    def __str__(self) -> str:
        return self.typename


def common_dtype(types: Iterable[BranchType]) -> np.dtype | None:
    """Return the type of numbers that holds those of all these branches without loss; ``None`` if there is none.

    Integers become wider ones, or floating-point numbers with enough bits: int32 and float32 become float64, int64 and
    float64 have no common type, nor have int64 and uint64.
    """
    first, *others = types
    if first.dtype is None or any((t.jagged, t.shape) != (first.jagged, first.shape) or t.dtype is None for t in others):
        return None
    dtypes = {first.dtype, *(other.dtype for other in others if other.dtype is not None)}
    common = np.result_type(*dtypes)
    return common if all(_keeps(dtype, common) for dtype in dtypes) else None


def _keeps(dtype: np.dtype, common: np.dtype) -> bool:
    if dtype.kind not in "iu" or common.kind != "f":
        return True
    return dtype.itemsize * 8 - (dtype.kind == "i") <= _BITS_OF_MANTISSA[common.itemsize]
