"""Reading of a range of entries of one tree: TTree or RNTuple, every cluster of an RNTuple once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from TauAdv.errors import InputError
from TauAdv.tuples.read_errors import reading
from TauAdv.tuples.rntuple.clusters import ClusterReader
from TauAdv.tuples.trees import entry_boundaries

__all__ = ["TreeArrays", "block_edges"]

_Read = Callable[[Sequence[str], int, int], ak.Array]


class TreeArrays:
    """The branches of one open tree as arrays, with errors that name file and branch.

    Args:
        path: the file.
        tree: an open TTree or RNTuple.
        executor: decompresses the baskets of a TTree in parallel.
    """

    def __init__(self, path: Path, tree: Any, executor: Executor | None = None) -> None:
        self.path, self.tree = path, tree
        self._options = {} if executor is None else {"decompression_executor": executor}
        self._clusters = None if isinstance(tree, uproot.TTree) else ClusterReader(tree)

    def read(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return records with these branches of the entries from ``start`` to ``stop``.

        Raises:
            InputError: if the file is damaged there; names the first branch that cannot be read.
        """
        return self._naming(names, start, stop, self._read)

    def iterate(self, names: Sequence[str], start: int, stop: int, step_size: int) -> Iterator[ak.Array]:
        """Yield records with these branches, at most ``step_size`` entries at a time, decompressing everything once."""
        if self._clusters is None:
            yield from self._iterate_baskets(names, start, stop, step_size)
            return
        edges = self.edges(names, start, stop, step_size, cut=False)
        for first, last in pairwise(edges):
            whole = self.read(names, first, last)
            for offset in range(0, last - first, step_size):
                yield whole[offset : offset + step_size]

    def edges(self, names: Sequence[str], start: int, stop: int, step_size: int, *, cut: bool = True) -> list[int]:
        """Return edges of blocks of about ``step_size`` entries, see :func:`block_edges`."""
        with reading(self.path):
            boundaries = entry_boundaries(self.tree, names)
        return block_edges(boundaries, start, stop, step_size, cut=cut)

    def _read(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        if self._clusters is not None:
            return self._clusters.read(names, start, stop)
        return self.tree.arrays(
            filter_branch=_named(names), entry_start=start, entry_stop=stop, library="ak", **self._options
        )

    def _iterate_baskets(self, names: Sequence[str], start: int, stop: int, step_size: int) -> Iterator[ak.Array]:
        chunks = self.tree.iterate(
            filter_branch=_named(names),
            step_size=step_size,
            entry_start=start,
            entry_stop=stop,
            library="ak",
            **self._options,
        )
        for first in range(start, stop, step_size):
            last = min(first + step_size, stop)
            chunk = self._naming(names, first, last, lambda *_: next(chunks))
            yield chunk

    def _naming(self, names: Sequence[str], start: int, stop: int, read: _Read) -> ak.Array:
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
                self._read([name], start, stop)

    def _checked(self, arrays: ak.Array, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Refuse what a damaged file may give without an exception: too few entries, lists that cannot be."""
        if len(arrays) != stop - start or not set(names) <= set(arrays.fields):
            lost = ", ".join(name for name in names if name not in arrays.fields)
            msg = (
                f"{self.path}: entries {start} to {stop - 1}: {len(arrays)} were read"
                f"{f', without {lost}' if lost else ''}; the file may be damaged, make or copy it again"
            )
            raise InputError(msg)
        for name in names:
            if not _lists_are_whole(arrays[name].layout):
                msg = f"{self.path}: branch '{name}', entries {start} to {stop - 1}: the lengths of its lists are damaged"
                raise InputError(f"{msg}; make or copy the file again")
        return arrays


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


def _named(names: Sequence[str]) -> Callable[[Any], bool]:
    """Return a filter of the branches at the top of a tree: a name may occur again within an object."""
    wanted = set(names)
    return lambda branch: branch.name in wanted and branch.top_level
