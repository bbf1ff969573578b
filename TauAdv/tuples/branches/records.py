"""Records of hundreds of branches, buffer by buffer: rows taken and parts joined with one index for lists of equal lengths.

awkward does this for any layout, branch by branch from anew; for numbers and lists of numbers that is most of the time of a
step. Other layouts go to awkward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
from awkward.contents import ListOffsetArray, NumpyArray, RecordArray
from awkward.index import Index64

__all__ = ["contents_of", "joined", "of_columns", "plain_lists", "plain_numbers", "rows_of"]


def contents_of(arrays: ak.Array | Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout of each branch of records, or what a mapping holds."""
    if not isinstance(arrays, ak.Array):
        return dict(arrays)
    layout = arrays.layout
    if isinstance(layout, RecordArray):
        return {name: layout.content(name) for name in layout.fields}
    return {name: arrays[name].layout for name in arrays.fields}


def of_columns(columns: Mapping[str, Any], length: int | None = None) -> ak.Array:
    """Return records with these columns: arrays or layouts of equal length; ``length`` is needed if there are none."""
    contents = [ak.to_layout(column) for column in columns.values()]
    return ak.Array(RecordArray(contents, list(columns), length=len(contents[0]) if contents else length))


def plain_numbers(layout: Any) -> np.ndarray | None:
    """Return the buffer of a layout of numbers, or of arrays of fixed shape; ``None`` for any other."""
    return layout.data if isinstance(layout, NumpyArray) and not layout.parameters else None


def plain_lists(layout: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Return offsets and numbers of a layout of lists of numbers; ``None`` for any other."""
    if not isinstance(layout, ListOffsetArray) or layout.parameters:
        return None
    numbers = plain_numbers(layout.content)
    return None if numbers is None or numbers.ndim > 1 else (np.asarray(layout.offsets), numbers)


def rows_of(records: ak.Array, rows: np.ndarray) -> ak.Array:
    """Return the records at ``rows`` (a mask or indices), packed."""
    rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    index = _ListIndex(rows)
    return of_columns({name: _at(layout, rows, index) for name, layout in contents_of(records).items()}, len(rows))


def _at(layout: Any, rows: np.ndarray, index: _ListIndex) -> Any:
    if (numbers := plain_numbers(layout)) is not None:
        return NumpyArray(numbers[rows])
    if (lists := plain_lists(layout)) is not None:
        offsets, places = index.of(lists[0])
        return ListOffsetArray(offsets, NumpyArray(lists[1][places]))
    return ak.to_packed(ak.Array(layout)[rows], highlevel=False)


class _ListIndex:
    """Where the values of some rows are, computed once for all branches whose lists have equal lengths."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows
        self._known: list[tuple[np.ndarray, Index64, np.ndarray]] = []

    def of(self, offsets: np.ndarray) -> tuple[Index64, np.ndarray]:
        """Return the offsets of the rows' lists, and the places of their values."""
        for known, taken, places in self._known:
            if known is offsets or (known[-1] == offsets[-1] and np.array_equal(known, offsets)):
                return taken, places
        starts = offsets[self._rows].astype(np.int64)
        counts = offsets[self._rows + 1] - starts
        taken = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(taken[-1]) + np.repeat(starts - taken[:-1], counts)
        self._known.append((offsets, Index64(taken), places))
        return self._known[-1][1:]


def joined(parts: Sequence[ak.Array]) -> ak.Array:
    """Return the records of all parts, one after the other."""
    first, *others = parts
    if not others:
        return first
    if any(part.fields != first.fields for part in others):
        return ak.concatenate(parts)
    columns = [contents_of(part) for part in parts]
    index: dict[tuple[int, ...], Index64] = {}
    return of_columns(
        {name: _together([part[name] for part in columns], index) for name in first.fields}, sum(map(len, parts))
    )


def _together(layouts: Sequence[Any], index: dict[tuple[int, ...], Index64]) -> Any:
    if numbers := _alike([plain_numbers(layout) for layout in layouts]):
        return NumpyArray(np.concatenate(numbers))
    lists = [found for layout in layouts if (found := plain_lists(layout)) is not None]
    if len(lists) < len(layouts) or not _alike([numbers for _, numbers in lists]):
        return ak.concatenate([ak.Array(layout) for layout in layouts]).layout
    values = np.concatenate([numbers[offsets[0] : offsets[-1]] for offsets, numbers in lists])
    key = tuple(id(layout.offsets) for layout in layouts)  # lists taken with one index share their offsets
    if key not in index:
        counts = np.concatenate([np.diff(offsets) for offsets, _ in lists])
        index[key] = Index64(np.concatenate([[0], np.cumsum(counts)]))
    return ListOffsetArray(index[key], NumpyArray(values))


def _alike(buffers: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """Return the buffers if there is one of each part and all are of one type, else none."""
    found = [buffer for buffer in buffers if buffer is not None]
    return found if len(found) == len(buffers) and len({(each.dtype, each.shape[1:]) for each in found}) == 1 else []
