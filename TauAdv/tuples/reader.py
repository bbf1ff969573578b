"""Streamed reading of tau tuples: TTree or RNTuple; std::vector, RVec or leaf arrays; only the branches asked for."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.files import resolve_inputs
from TauAdv.tuples.trees import branch_names, entry_boundaries, open_root, open_tree, reading

__all__ = ["Block", "TupleReader", "open_root", "read"]

_STEP_SIZE = 20_000
_BRANCHES_AT_ONCE = 48  # of a block of which only some rows are kept: bounds what is decompressed at a time


@dataclass(frozen=True)
class Block:
    """A range of entries of one file, whose branches are read when asked for.

    Attributes:
        path: the file.
        start: first entry, counted within the file.
        stop: one past the last entry.
        offset: entries of the files before.
    """

    path: Path
    start: int
    stop: int
    offset: int
    tree: Any
    options: dict[str, Any]

    def __len__(self) -> int:
        return self.stop - self.start

    def read(self, names: Sequence[str], rows: np.ndarray | None = None) -> ak.Array:
        """Return records with exactly these branches; ``rows`` (a mask or indices) are kept, or all.

        Raises:
            InputError: if the file is damaged.
        """
        names = list(dict.fromkeys(names))
        step = len(names) if rows is None else _BRANCHES_AT_ONCE
        columns: dict[str, ak.Array] = {}
        if not names:
            length = len(self) if rows is None else len(np.arange(len(self))[rows])
            return ak.Array(ak.contents.RecordArray([], [], length=length))
        for first in range(0, len(names), max(step, 1)):
            wanted = set(names[first : first + step])
            with reading(self.path):
                part = self.tree.arrays(
                    filter_name=lambda name, wanted=wanted: name in wanted,
                    entry_start=self.start,
                    entry_stop=self.stop,
                    library="ak",
                    **self.options,
                )
            for name in part.fields:
                columns[name] = part[name] if rows is None else ak.to_packed(part[name][rows])
        return ak.zip({name: columns[name] for name in names}, depth_limit=1)


class TupleReader:
    """One or more ROOT files with the same tree, read as one sequence of entries.

    Args:
        inputs: file, folder, glob pattern, ``.txt`` list or a sequence of these (see :func:`resolve_inputs`).
        tree: name of the TTree or RNTuple.
        prefix: put before the names of ``inputs``.
        threads: threads that decompress.

    Example:
        >>> reader = TupleReader("data/*.root")
        >>> for taus in reader.iterate(["tau_pt", "pfCand_pt"]):
        ...     print(len(taus), taus.tau_pt)

    Raises:
        InputError: if a file is missing, damaged or without the tree.
    """

    def __init__(
        self, inputs: str | Path | Sequence[str | Path], tree: str = "taus", *, prefix: str = "", threads: int = 1
    ) -> None:
        self.files = resolve_inputs(inputs, prefix)
        self.tree = tree
        self._threads = threads
        self._only_file = ExitStack()  # the tree of a single file stays open: to parse it again takes half a second
        self._only_tree: Any = None
        weakref.finalize(self, self._only_file.close)
        self._branches: list[str] = []
        self.entries_per_file: list[int] = []
        for index, path in enumerate(self.files):
            with self._opened(path) as opened, reading(path):
                self.entries_per_file.append(int(opened.num_entries))
                if index == 0:
                    self._branches = branch_names(opened)

    @contextmanager
    def _opened(self, path: Path) -> Iterator[Any]:
        if len(self.files) > 1:
            with open_root(path) as file:
                yield open_tree(file, path, self.tree)
            return
        if self._only_tree is None:
            file = self._only_file.enter_context(open_root(path))
            self._only_tree = open_tree(file, path, self.tree)
        yield self._only_tree

    @property
    def branches(self) -> list[str]:
        """Names of the branches of the first file, counters of leaf arrays left out."""
        return list(self._branches)

    @cached_property
    def num_entries(self) -> int:
        """Entries of all files together."""
        return sum(self.entries_per_file)

    def require(self, names: Sequence[str]) -> None:
        """Check that all files have these branches.

        Raises:
            InputError: lists all that are missing.
        """
        self._require(self.files[0], names, self._branches)

    def _require(self, path: Path, names: Sequence[str], present: list[str]) -> None:
        known = set(present)
        missing = [name for name in dict.fromkeys(names) if name not in known]
        if missing:
            lines = "".join(f"\n  {name}{nearest(name, present)}" for name in missing)
            msg = f"{path}: tree '{self.tree}' lacks {len(missing)} of the branches needed:{lines}"
            raise InputError(msg)

    def empty(self, branches: Sequence[str] | None = None) -> ak.Array:
        """Return no entries of these branches, with their types."""
        names = self.branches if branches is None else list(dict.fromkeys(branches))
        self.require(names)
        path = self.files[0]
        with self._opened(path) as tree, reading(path):
            return tree.arrays(filter_name=lambda name: name in names, entry_stop=0, library="ak")[names]

    def iterate(
        self,
        branches: Sequence[str] | None = None,
        step_size: int = _STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[ak.Array]:
        """Yield records with exactly these branches, at most ``step_size`` entries at a time.

        Args:
            branches: what to read; all branches of the first file if ``None``.
            step_size: most entries in memory at once.
            entry_start: first entry, counted over all files.
            entry_stop: one past the last entry, counted over all files.

        Raises:
            InputError: if a file lacks some of the branches (all are listed) or is damaged.
        """
        names = self.branches if branches is None else list(dict.fromkeys(branches))
        self.require(names)
        wanted = set(names)
        for path, tree, first, last, _, options in self._ranges(entry_start, entry_stop, names):
            chunks = tree.iterate(
                filter_name=lambda name: name in wanted,
                step_size=step_size,
                entry_start=first,
                entry_stop=last,
                library="ak",
                **options,
            )
            while True:
                with reading(path):
                    chunk = next(chunks, None)
                    chunk = None if chunk is None else chunk[names]
                if chunk is None:
                    break
                yield chunk

    def blocks(
        self,
        branches: Sequence[str],
        step_size: int = _STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[Block]:
        """Yield ranges of about ``step_size`` entries that start and end with the baskets of the file where they can.

        For steps that look at a few branches first and then read all of them for the entries that pass.

        Args:
            branches: every branch that will be read.
            step_size: entries of a block, at least half and at most twice as many where the baskets allow.
            entry_start: first entry, counted over all files.
            entry_stop: one past the last entry, counted over all files.

        Raises:
            InputError: if a file lacks some of the branches (all are listed) or is damaged.
        """
        self.require(branches)
        for path, tree, first, last, offset, options in self._ranges(entry_start, entry_stop, branches):
            with reading(path):
                edges = _block_edges(entry_boundaries(tree), first, last, step_size)
            for start, stop in pairwise(edges):
                yield Block(path, start, stop, offset, tree, options)

    def _ranges(
        self, entry_start: int | None, entry_stop: int | None, names: Sequence[str]
    ) -> Iterator[tuple[Path, Any, int, int, int, dict[str, Any]]]:
        start = 0 if entry_start is None else entry_start
        stop = self.num_entries if entry_stop is None else min(entry_stop, self.num_entries)
        offset = 0
        with _executor(self._threads) as executor:
            for path, entries in zip(self.files, self.entries_per_file, strict=True):
                first, last = max(start - offset, 0), min(stop - offset, entries)
                if first < last:
                    with self._opened(path) as tree:
                        with reading(path):
                            self._require(path, names, branch_names(tree))
                        threaded = executor is not None and isinstance(tree, uproot.TTree)
                        options = {"decompression_executor": executor} if threaded else {}
                        yield path, tree, first, last, offset, options
                offset += entries


def _block_edges(boundaries: np.ndarray, start: int, stop: int, step_size: int) -> list[int]:
    """Return edges of blocks: baskets joined up to ``step_size`` entries, larger ones cut."""
    edges = [start]
    for left, right in pairwise(np.unique(np.clip(boundaries, start, stop)).tolist()):
        if right - edges[-1] > step_size and left > edges[-1]:
            edges.append(left)
        first, pieces = edges[-1], (right - edges[-1]) // (2 * step_size)
        edges += [first + (right - first) * piece // (pieces + 1) for piece in range(1, pieces + 1)]
    return [*edges, stop]


@contextmanager
def _executor(threads: int) -> Iterator[Executor | None]:
    if threads <= 1:
        yield None
        return
    with ThreadPoolExecutor(threads) as executor:
        yield executor


def read(
    inputs: str | Path | Sequence[str | Path],
    branches: Sequence[str] | None = None,
    tree: str = "taus",
    *,
    entry_start: int | None = None,
    entry_stop: int | None = None,
) -> ak.Array:
    """Return branches of all entries as one array (see :class:`TupleReader` for what can be read and raised)."""
    reader = TupleReader(inputs, tree)
    chunks = list(reader.iterate(branches, _STEP_SIZE, entry_start, entry_stop))
    if chunks:
        return chunks[0] if len(chunks) == 1 else ak.concatenate(chunks)
    return reader.empty(branches)
