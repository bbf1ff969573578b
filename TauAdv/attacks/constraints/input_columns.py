"""What an attack must know of the columns of one input tensor: which may move (integers never), how far, which follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError, nearest

__all__ = ["Follower", "Group", "InputColumns"]

_NONE = float("nan")


@dataclass(frozen=True)
class Group:
    """Columns that make one common step: all up, or all down (those of sign -1 the other way round).

    Attributes:
        columns: positions.
        signs: +1 or -1 for each.
    """

    columns: tuple[int, ...]
    signs: tuple[float, ...]


@dataclass(frozen=True)
class Follower:
    """A significance that is recomputed when its value, or the variance of it, moves.

    Attributes:
        column: position of the significance.
        values: position of its value, or of all that it may be of.
        variances: position of each value's variance; none: the error of the clean significance is kept.
        of_any: each row's value is the one whose significance it is in the clean inputs; where it is that of none, it stays.
    """

    column: int
    values: tuple[int, ...]
    variances: tuple[int, ...] = ()
    of_any: bool = False

    def __post_init__(self) -> None:
        n_values, n_variances = len(self.values), len(self.variances)
        if n_values != n_variances if self.of_any else n_values != 1 or n_variances > 1:
            received = f"values {self.values}, variances {self.variances}"
            msg = f"follower {self.column}: expected one value, or (of_any) a variance for each; received {received}"
            raise InputError(msg)


@dataclass(frozen=True, eq=False, repr=False)
class InputColumns:
    """Facts about the ``f`` columns of an input tensor; make one with :meth:`of`.

    Attributes:
        names: of the columns.
        perturbation: size of a small change in scaled units; 0: never to be changed.
        integer: counts, codes, flags: never changed.
        frozen: not to be changed for another reason, such as being constant in the training sample.
        mean, std: physical = scaled * std + mean.
        low, high: allowed range in scaled space.
        factor: of the systematic variations.
        resolution: of the measurement, in physical units; NaN: not known.
        absent: scaled value that says "there is none"; NaN: no such value.
        flag: position of the column whose 0 says that the object of this column is absent; -1: none.
        mask: key of the batch's boolean tensor [rows, f] of defaults and padding.
        rows: key of the batch's index tensor whose first column says to which example a row belongs; ``None``: rows are
            the examples.
        groups: columns that move together.
        followers: columns that are recomputed.
        covariances: positions of the entries of covariance matrices [matrices, d, d].
    """

    names: tuple[str, ...]
    perturbation: NDArray[np.float32]
    integer: NDArray[np.bool_]
    frozen: NDArray[np.bool_]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    factor: NDArray[np.float32]
    resolution: NDArray[np.float64]
    absent: NDArray[np.float32]
    flag: NDArray[np.int32]
    mask: str | None
    rows: str | None
    groups: tuple[Group, ...]
    followers: tuple[Follower, ...]
    covariances: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        *,
        perturbation: ArrayLike = 1.0,
        integer: ArrayLike = False,
        frozen: ArrayLike = False,
        mean: ArrayLike = 0.0,
        std: ArrayLike = 1.0,
        low: ArrayLike = -np.inf,
        high: ArrayLike = np.inf,
        factor: ArrayLike = 1.0,
        resolution: ArrayLike = _NONE,
        absent: ArrayLike = _NONE,
        flag: ArrayLike = -1,
        mask: str | None = None,
        rows: str | None = None,
        followers: Sequence[Follower] = (),
        covariances: ArrayLike = (),
    ) -> InputColumns:
        """Return the facts; every array has one entry per column, or is one number for all.

        Raises:
            InputError: an array of another length, a negative perturbation, a std that is not positive, low > high.
        """
        arrays = {
            "perturbation": _array("perturbation", perturbation, np.float32, names),
            "integer": _array("integer", integer, np.bool_, names),
            "frozen": _array("frozen", frozen, np.bool_, names),
            "mean": _array("mean", mean, np.float64, names),
            "std": _array("std", std, np.float64, names),
            "low": _array("low", low, np.float32, names),
            "high": _array("high", high, np.float32, names),
            "factor": _array("factor", factor, np.float32, names),
            "resolution": _array("resolution", resolution, np.float64, names),
            "absent": _array("absent", absent, np.float32, names),
            "flag": _array("flag", flag, np.int32, names),
        }
        _require(names, arrays["perturbation"] >= 0, "perturbation: expected numbers >= 0")
        _require(names, arrays["std"] > 0, "std: expected positive numbers")
        _require(names, arrays["low"] <= arrays["high"], "low, high: expected low <= high")
        matrices = np.asarray(covariances, np.int32)
        return cls(
            names=tuple(names),
            mask=mask,
            rows=rows,
            groups=(),
            followers=tuple(followers),
            covariances=matrices if matrices.size else np.zeros((0, 1, 1), np.int32),
            **arrays,
        )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"InputColumns({_some(self.names)}: {len(self)}, {np.count_nonzero(self.movable)} may move)"

    @property
    def movable(self) -> NDArray[np.bool_]:
        """Columns that may move [f]."""
        moved = (self.perturbation > 0) & ~self.integer & ~self.frozen
        moved[[follower.column for follower in self.followers]] = False
        return moved

    def without_ranges(self) -> InputColumns:
        """Return the columns without limits to their values."""
        return replace(self, low=np.full_like(self.low, -np.inf), high=np.full_like(self.high, np.inf))

    def freeze(self, names_or_mask: Sequence[str] | NDArray[np.bool_]) -> InputColumns:
        """Return the columns with more of them frozen, by name (or pattern) or by a boolean array [f]."""
        more = np.asarray(names_or_mask)
        if more.dtype == np.bool_:
            more = _array("frozen", more, np.bool_, self.names)
        else:
            more = np.isin(np.arange(len(self)), [i for name in names_or_mask for i in self.find(str(name))])
        return replace(self, frozen=self.frozen | more)

    def find(self, pattern: str) -> list[int]:
        """Return the positions of the columns with a name, or that match a pattern such as ``track_*_D0``.

        Raises:
            InputError: if there is none.
        """
        if not (found := self._matching(pattern)):
            msg = f"no column '{pattern}'{nearest(pattern, self.names)} among {len(self)}: {_some(self.names)}"
            raise InputError(msg)
        return found

    def fits(self, pattern: str) -> bool:
        """Return whether any column has a name, or matches a pattern."""
        return bool(self._matching(pattern))

    def _matching(self, pattern: str) -> list[int]:
        return [i for i, name in enumerate(self.names) if name == pattern or fnmatchcase(name, pattern)]

    def with_groups(self, groups: Mapping[str, Sequence[str]]) -> InputColumns:
        """Return the columns with groups that move together.

        Args:
            groups: title -> names or patterns; a leading ``-``: moves the other way round. Columns that never move are
                left out.

        Raises:
            InputError: a column that does not exist, is in two groups, or a group of which nothing can move.
        """
        taken: set[int] = set()
        built = []
        for title, patterns in groups.items():
            signs = {i: -1.0 if p.startswith("-") else 1.0 for p in patterns for i in self.find(p.removeprefix("-"))}
            signs = {i: sign for i, sign in signs.items() if self.movable[i]}
            if not signs or taken & set(signs):
                reason = (
                    "none of its columns may move" if not signs else f"'{self.names[min(taken & set(signs))]}' is in two"
                )
                msg = f"group '{title}' ({', '.join(patterns)}): {reason}"
                raise InputError(msg)
            taken |= set(signs)
            built.append(Group(tuple(signs), tuple(signs.values())))
        return replace(self, groups=tuple(built))


def _array(key: str, values: ArrayLike, dtype: Any, names: Sequence[str]) -> NDArray[Any]:
    array = np.asarray(values, dtype)
    if array.shape not in {(), (len(names),)}:
        msg = f"{key}: expected one number, or one for each of the {len(names)} columns; received shape {array.shape}"
        raise InputError(msg)
    return np.broadcast_to(array, (len(names),)).copy()


def _require(names: Sequence[str], good: NDArray[np.bool_], text: str) -> None:
    if not good.all():
        bad = [name for name, fine in zip(names, good, strict=True) if not fine]
        raise InputError(f"{text}; not so for {_some(bad)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
