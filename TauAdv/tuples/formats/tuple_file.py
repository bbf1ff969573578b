"""What an input format is: an object that opens a file, and the open file, which reads ranges of entries.

A format subclasses :class:`TupleFormat` and :class:`TupleFile`; docs/own_input.md shows one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import awkward as ak
import numpy as np

from TauAdv.errors import InputError
from TauAdv.tuples.branches.records import contents_of
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.read_errors import reading

__all__ = ["TupleFile", "TupleFormat", "block_edges"]


class TupleFile(ABC):
    """One open file: its entries, and arrays of its branches.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    @abstractmethod
    def num_entries(self) -> int:
        """Number of entries."""

    @abstractmethod
    def find_types(self) -> Mapping[str, BranchType]:
        """Return the type of every branch, in their order; what cannot be read says why (``problem``)."""

    @abstractmethod
    def arrays(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return records with these branches of the entries from ``start`` to ``stop``.

        Whatever is raised here becomes an error that names file, branch and entries.
        """

    def boundaries(self, names: Sequence[str]) -> np.ndarray:
        """Return entries, the first and the end included, between which these branches are read best (row groups)."""
        return np.array([0, self.num_entries])

    def release(self) -> None:  # noqa: B027 (most formats read nothing ahead)
        """Let go of what was read ahead: a pass over the file has ended."""

    def read(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return :meth:`arrays`, checked.

        Raises:
            InputError: if the file is damaged there; names the first branch that cannot be read.
        """
        return self._naming(names, start, stop, self.arrays)

    def iterate(self, names: Sequence[str], start: int, stop: int, step_size: int) -> Iterator[ak.Array]:
        """Yield records with these branches, ``step_size`` entries at a time (the last time fewer)."""
        for first in range(start, stop, step_size):
            yield self.read(names, first, min(first + step_size, stop))

    def edges(self, names: Sequence[str], start: int, stop: int, step_size: int, *, cut: bool = True) -> list[int]:
        """Return edges of blocks of about ``step_size`` entries, see :func:`block_edges`."""
        with reading(self.path):
            boundaries = self.boundaries(names)
        return block_edges(boundaries, start, stop, step_size, cut=cut)

    def _naming(self, names: Sequence[str], start: int, stop: int, read: Callable[..., ak.Array]) -> ak.Array:
        try:
            with reading(self.path):
                arrays = read(names, start, stop)
        except InputError:
            self._read_one_by_one(names, start, stop)
            raise
        return self._checked(arrays, names, start, stop)

    def _read_one_by_one(self, names: Sequence[str], start: int, stop: int) -> None:
        for name in names:
            with reading(self.path, f"branch '{name}', entries {start} to {stop - 1}"):
                self.arrays([name], start, stop)

    def _checked(self, arrays: ak.Array, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Refuse what a damaged file may give without an exception: too few entries, lists that cannot be."""
        if len(arrays) != stop - start or not set(names) <= set(arrays.fields):
            lost = ", ".join(name for name in names if name not in arrays.fields)
            msg = (
                f"{self.path}: entries {start} to {stop - 1}: {len(arrays)} were read"
                f"{f', without {lost}' if lost else ''}; the file may be damaged, make or copy it again"
            )
            raise InputError(msg)
        contents = contents_of(arrays)
        for name in names:
            if not _lists_are_whole(contents[name]):
                msg = f"{self.path}: branch '{name}', entries {start} to {stop - 1}: the lengths of its lists are damaged"
                raise InputError(f"{msg}; make or copy the file again")
        return arrays


class TupleFormat(ABC):
    """An input format.

    Attributes:
        name: what messages call it, for example ``ROOT``.
        suffixes: of its files, lower case: those that a folder is searched for.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognises(self, start: bytes) -> bool:
        """Return whether a file that starts with these bytes (at most 64) is of this format."""

    @abstractmethod
    def open(self, path: Path, tree: str, threads: int = 1) -> AbstractContextManager[TupleFile]:
        """Return a file, open within a ``with`` block; whatever is raised becomes an error that names the file.

        Args:
            path: the file.
            tree: name of the tree, for formats that have several in a file.
            threads: threads that may decompress.

        Raises:
            InputError: if it is damaged, or has no such tree.
        """

    def place(self, tree: str) -> str:
        """Return what messages call the entries of a file: ``table``, of formats with trees ``tree 'taus'``."""
        return "table"

    def require_tree(self, path: Path, tree: str) -> None:
        """Refuse a second tree of a file, unless the format has several.

        Raises:
            InputError: names the file and the tree.
        """
        msg = f"{path}: no further tree '{tree}': a file of the format {self.name} has one table; leave --other-trees out"
        raise InputError(msg)


def _lists_are_whole(layout: Any) -> bool:
    if not isinstance(layout, ak.contents.ListOffsetArray) or not len(layout):
        return True
    offsets = np.asarray(layout.offsets)
    return bool(offsets[0] >= 0 and offsets[-1] <= len(layout.content) and np.all(offsets[1:] >= offsets[:-1]))


def block_edges(boundaries: np.ndarray, start: int, stop: int, step_size: int, *, cut: bool = True) -> list[int]:
    """Return edges of blocks: baskets joined up to ``step_size`` entries, larger ones cut (unless ``cut`` is false)."""
    edges = [start]
    for left, right in pairwise(np.unique(np.clip(boundaries, start, stop)).tolist()):
        if right - edges[-1] > step_size and left > edges[-1]:
            edges.append(left)
        first, pieces = edges[-1], (right - edges[-1]) // (2 * step_size) if cut else 0
        edges += [first + (right - first) * piece // (pieces + 1) for piece in range(1, pieces + 1)]
    return [*edges, stop]
