"""How two recordings of a case differ, bit for bit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["differences"]

Arrays = Mapping[str, np.ndarray]


def differences(before: Arrays, after: Arrays) -> list[str]:
    """Return what differs, by name: arrays that are missing or new, and those of another type, shape or content.

    A NaN equals a NaN, 0 does not equal -0. Arrays named ``NAME #number`` are a set: their order does not count.
    """
    return [*_of_arrays(_named(before), _named(after)), *_of_sets(_sets(before), _sets(after))]


def _named(arrays: Arrays) -> Arrays:
    return {name: array for name, array in arrays.items() if "#" not in name}


def _sets(arrays: Arrays) -> dict[str, list[np.ndarray]]:
    found = defaultdict(list)
    for name, array in arrays.items():
        if "#" in name:
            found[name.partition(" #")[0]].append(array)
    return found


def _of_arrays(before: Arrays, after: Arrays) -> Iterator[str]:
    for name in {**before, **after}:
        if name not in after:
            yield f"{name}: missing"
        elif name not in before:
            yield f"{name}: new"
        elif _bits(before[name]) != _bits(after[name]):
            yield f"{name}: {_described(before[name], after[name])}"


def _of_sets(before: Mapping[str, list[np.ndarray]], after: Mapping[str, list[np.ndarray]]) -> Iterator[str]:
    for name in {**before, **after}:
        old, new = before.get(name, []), after.get(name, [])
        if len(old) != len(new):
            yield f"{name}: {len(new)} arrays instead of {len(old)}"
        old, new = _without_common(old, new), _without_common(new, old)
        for array in old if len(old) == len(new) else []:
            nearest = min(range(len(new)), key=lambda i, array=array: _distance(array, new[i]))  # type: ignore[misc]
            yield f"{name}: {_described(array, new.pop(nearest))}"


def _without_common(arrays: list[np.ndarray], others: list[np.ndarray]) -> list[np.ndarray]:
    """Return the arrays that have no equal among the others, each of which equals one."""
    left, found = Counter(_bits(array) for array in others), []
    for array in arrays:
        if left[_bits(array)]:
            left[_bits(array)] -= 1
        else:
            found.append(array)
    return found


def _bits(array: np.ndarray) -> tuple[Any, ...]:
    if array.dtype.kind in "fc":
        array = np.where(np.isnan(array), array.dtype.type("nan"), array)  # a NaN has many bit patterns
    return array.dtype.str, array.shape, array.tobytes()


def _described(before: np.ndarray, after: np.ndarray) -> str:
    if before.dtype != after.dtype:
        return f"{after.dtype} instead of {before.dtype}"
    if before.shape != after.shape:
        return f"shape {list(after.shape)} instead of {list(before.shape)}"
    differing = [(old, new) for old, new in zip(before.ravel(), after.ravel(), strict=True) if _bits(old) != _bits(new)]
    text = f"{len(differing)} of {before.size} values differ"
    if before.dtype.kind not in "biufc":
        return f"{text}, first '{differing[0][1]}' instead of '{differing[0][0]}'"
    finite = [_distance(old, new) for old, new in differing if np.isfinite(old) and np.isfinite(new)]
    others = len(differing) - len(finite)
    return text + (f", by at most {max(finite):.3g}" if finite else "") + (f", {others} not finite" if others else "")


def _distance(before: np.ndarray, after: np.ndarray) -> float:
    """Return the largest difference of two arrays of one type and shape; infinite if it is no number."""
    if before.dtype.kind not in "biufc" or not before.size:
        return float("inf")
    kind = complex if before.dtype.kind == "c" else np.longdouble  # holds every integer of 64 bits
    with np.errstate(invalid="ignore"):
        largest = np.abs(np.asarray(before, kind) - np.asarray(after, kind)).max()
    return float(largest) if np.isfinite(largest) else float("inf")
