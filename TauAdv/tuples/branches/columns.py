"""Columns on their way into a file: of one type, packed, lists that share a counter of equal lengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import awkward as ak
import numpy as np

from TauAdv.errors import InputError
from TauAdv.tuples.branches.numbers import as_array, numbers
from TauAdv.tuples.branches.records import plain_lists, plain_numbers
from TauAdv.tuples.schema import Branch, counter_name

__all__ = ["Columns", "check_counts", "counter_names", "dtype_of", "prepared"]

#: By branch: numbers or fixed arrays of numbers (numpy), or lists of numbers (awkward: offsets from 0 on, then numbers).
Columns: TypeAlias = dict[str, "np.ndarray | ak.Array"]


def prepared(name: str, values: Any, entry: Branch | None) -> np.ndarray | ak.Array:
    """Return values as a numpy array, or a packed awkward array if jagged, of the type that the schema entry has.

    Arrays of fixed length stay such, unless the schema has a list there.

    Raises:
        InputError: if they are not numbers, or lists or fixed arrays of numbers, or do not fit the schema.
    """
    dtype = entry.dtype if entry else None
    layout = values.layout if isinstance(values, ak.Array) else values
    if (lists := plain_lists(layout)) is not None and (entry is None or entry.jagged):
        return _packed(name, *lists, dtype)
    if (flat := plain_numbers(layout)) is not None and flat.ndim == 1 and (entry is None or not entry.jagged):
        return _cast(name, _numbers(name, flat), dtype)
    array = as_array(ak.Array(values) if isinstance(values, ak.contents.Content) else values, f"branch {name}")
    jagged = array.ndim == 2 and (_has_lists(array) or (entry is not None and entry.jagged))
    if not (jagged or array.ndim == 1 or _is_regular(array)) or (
        entry is not None and (array.ndim != 1 + entry.jagged or entry.jagged != jagged)
    ):
        expected = "one list per entry" if entry is not None and entry.jagged else "one number per entry"
        msg = f"branch {name}: expected {expected}, received an array of {array.ndim} dimensions"
        raise InputError(msg)
    if not jagged:
        return _cast(name, _numbers(name, array), dtype)
    packed = ak.to_packed(ak.from_regular(array, axis=1))
    flat = _cast(name, _numbers(name, ak.flatten(packed)), dtype)
    return ak.unflatten(flat, _numbers(name, ak.num(packed)))


def _packed(name: str, offsets: np.ndarray, values: np.ndarray, dtype: np.dtype | None) -> ak.Array:
    """Return lists without the numbers before the first and after the last."""
    first, last = offsets[0], offsets[-1]
    index = ak.index.Index64((offsets - first).astype(np.int64, copy=False))
    cast = _cast(name, _numbers(name, values[first:last]), dtype)
    return ak.Array(ak.contents.ListOffsetArray(index, ak.contents.NumpyArray(cast)))


def dtype_of(column: np.ndarray | ak.Array) -> np.dtype:
    """Return the type of the numbers of a column, with the shape of fixed arrays."""
    if isinstance(column, np.ndarray):
        return np.dtype((column.dtype, column.shape[1:])) if column.ndim > 1 else column.dtype
    return np.dtype(column.layout.content.dtype)


def counter_names(columns: Columns, counters: Mapping[str, str]) -> dict[str, str]:
    """Return the counter of each jagged column: the one given, or ``n_`` and its collection, of a name that is free."""
    found = {}
    for name, column in columns.items():
        if isinstance(column, ak.Array):
            counter = counters.get(name) or counter_name(name)
            while counter in columns and counter not in counters.values():
                counter += "_"
            found[name] = counter
    return found


def check_counts(columns: Columns, counters: Mapping[str, str]) -> None:
    """Check that columns of one counter have equal lengths, and that the counter, if it is a column, holds them.

    Raises:
        InputError: names branch and entry.
    """
    first: dict[str, tuple[str, np.ndarray]] = {}
    for name, counter in counter_names(columns, counters).items():
        lists: Any = columns[name]
        counts = np.diff(lists.layout.offsets)
        if counter in columns and counter not in first:
            first[counter] = (counter, np.asarray(columns[counter]))
        leader, expected = first.setdefault(counter, (name, counts))
        if not np.array_equal(counts, expected):
            entry = int(np.flatnonzero(counts != expected)[0])
            other = f"its counter {counter}" if leader == counter else f"{leader} of the same objects"
            msg = (
                f"branch {name}: has {counts[entry]} values where {other} has {expected[entry]} "
                f"(entry {entry} of the chunk); a TTree needs equal lengths: write format='rntuple' or leave one out"
            )
            raise InputError(msg)


def _has_lists(array: Any) -> bool:
    return isinstance(array, ak.Array) and not array.layout.purelist_isregular


def _is_regular(array: Any) -> bool:
    return isinstance(array, np.ndarray) or bool(array.layout.purelist_isregular)


def _numbers(name: str, array: Any) -> np.ndarray:
    return numbers(array, f"branch {name}", ", which cannot be written")


def _cast(name: str, values: np.ndarray, dtype: np.dtype | None) -> np.ndarray:
    dtype = _writable(values.dtype) if dtype is None else dtype
    if values.dtype == dtype:
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        converted = values.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(converted, values):
        wrong = values[converted != values][0]
        msg = f"branch {name}: {wrong!s} does not fit its type {dtype} (received {values.dtype})"
        raise InputError(msg)
    return converted


def _writable(dtype: np.dtype) -> np.dtype:
    """Return the type that a TTree has for these numbers: there is none of 16 bits."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype.newbyteorder("=")
