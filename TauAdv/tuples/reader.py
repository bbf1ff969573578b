"""Streamed reading of tau tuples: TTree or RNTuple; std::vector, RVec or leaf arrays; only the branches asked for."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.tuples.arrays import TreeArrays
from TauAdv.tuples.branches.conversion import as_asked, stored_names
from TauAdv.tuples.branches.in_files import FileBranches
from TauAdv.tuples.branches.types import BranchType, branch_types
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.read_errors import reading
from TauAdv.tuples.schema import collection_of
from TauAdv.tuples.trees import open_root, open_tree

__all__ = ["EntryRange", "TupleReader", "open_root", "read"]

_STEP_SIZE = 20_000
_SHOWN_FILES, _SHOWN_COLLECTIONS = 4, 8
_BRANCHES_AT_ONCE = 48  # of a block of which only some rows are kept: bounds what is decompressed at a time


@dataclass(frozen=True)
class EntryRange:
    """A range of entries of one file, whose branches are read when asked for.

    Attributes:
        path: the file.
        start: first entry, counted within the file.
        stop: one past the last entry.
        offset: entries of the files before.
        arrays: the branches of the file.
        branches: the branches of all files.
    """

    path: Path
    start: int
    stop: int
    offset: int
    arrays: TreeArrays
    branches: FileBranches

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
            wanted = names[first : first + step]
            stored = self.arrays.read(stored_names(wanted, self.branches), self.start, self.stop)
            part = as_asked(stored, wanted, self.path, self.branches)
            for name in part.fields:
                columns[name] = part[name] if rows is None else ak.to_packed(part[name][rows])
        return ak.zip({name: columns[name] for name in names}, depth_limit=1)


class TupleReader:
    """One or more ROOT files with the same tree, read as one sequence of entries.

    Branches whose types differ between files become the type that holds all their numbers. Counters of lists that the file
    does not have (``n_pfCand`` for every ``pfCand_*``) can be read, too.

    Args:
        inputs: file, folder, glob pattern, ``.txt`` list or a sequence of these (see :func:`resolve_inputs`).
        tree: name of the TTree, TNtuple or RNTuple.
        prefix: put before the names of ``inputs``.
        threads: threads that decompress.
        allow_duplicates: read a file again that is given under another name, too.

    Attributes:
        files: the files, in order.
        entries_per_file: entries of each.

    Example:
        >>> reader = TupleReader("data/*.root")
        >>> for taus in reader.iterate(["tau_pt", "pfCand_pt"]):
        ...     print(len(taus), taus.tau_pt)

    Raises:
        InputError: if a file is missing, damaged or without the tree.
    """

    def __init__(
        self,
        inputs: str | Path | Sequence[str | Path],
        tree: str = "taus",
        *,
        prefix: str = "",
        threads: int = 1,
        allow_duplicates: bool = False,
    ) -> None:
        self.files = resolve_inputs(inputs, prefix, allow_duplicates=allow_duplicates)
        self.tree = tree
        self._threads = threads
        self._only_file = ExitStack()  # the tree of a single file stays open: to parse it again takes half a second
        self._only_tree: Any = None
        weakref.finalize(self, self._only_file.close)
        self._branches = FileBranches(tree)
        self.entries_per_file: list[int] = []
        for path in self.files:
            with self._opened(path) as opened, reading(path, f"tree '{tree}'"):
                self.entries_per_file.append(int(opened.num_entries))
                self._branches.add(path, self.entries_per_file[-1], branch_types(opened))

    def __repr__(self) -> str:
        return f"<tuples in {len(self.files)} files, tree '{self.tree}': {self.num_entries} entries>"

    def __str__(self) -> str:
        names = [path.name for path in self.files[:_SHOWN_FILES]] + ["..."] * (len(self.files) > _SHOWN_FILES)
        collections = Counter(collection_of(name) for name in self.branches if name in self.counters)
        single = len(self.branches) - sum(collections.values())
        lines = [
            f"tuples: {self.num_entries:,} entries of the tree '{self.tree}' in {', '.join(names)}",
            f"  {len(self.branches)} branches: {single} of the entry; lists: "
            + ", ".join(f"{name} {count}" for name, count in collections.most_common(_SHOWN_COLLECTIONS)),
        ]
        return "\n".join(lines).removesuffix("; lists: ")

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
        """Names of the branches of the first file that has entries, without counters named as ours (``n_pfCand``)."""
        return list(self._branches.names)

    @property
    def types(self) -> Mapping[str, BranchType]:
        """Types of the branches of the first file that has entries, counters included."""
        return self._branches.types

    def common_types(self, names: Sequence[str]) -> dict[str, BranchType]:
        """Return the types that branches have when read, wide enough for the numbers of all files.

        Raises:
            InputError: see :meth:`require`.
        """
        self.require(names)
        wider = self._branches.dtypes
        return {name: replace(self.types[name], dtype=wider.get(name, self.types[name].dtype)) for name in names}

    @property
    def counters(self) -> dict[str, str]:
        """By jagged branch: the name of what counts its values, which can be read as a branch."""
        return dict(self._branches.counters)

    @property
    def only_in_some(self) -> list[str]:
        """Names of branches that later files have and the first does not; they are not read."""
        return self._branches.only_in_some

    @cached_property
    def num_entries(self) -> int:
        """Entries of all files together."""
        return sum(self.entries_per_file)

    def require(self, names: Sequence[str]) -> None:
        """Check that all files have these branches, that they can be read, and that their types go together.

        Raises:
            InputError: lists all that are missing, cannot be read, or have types that do not go together.
        """
        self._branches.require(names)

    def empty(self, branches: Sequence[str] | None = None) -> ak.Array:
        """Return no entries of these branches, with their types."""
        names = self.branches if branches is None else list(dict.fromkeys(branches))
        self.require(names)
        path = self._branches.path
        if not names:
            return ak.Array(ak.contents.RecordArray([], [], length=0))
        with self._opened(path) as tree:
            stored = TreeArrays(path, tree).read(stored_names(names, self._branches), 0, 0)
            return as_asked(stored, names, path, self._branches)

    def iterate(
        self,
        branches: Sequence[str] | None = None,
        step_size: int = _STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[ak.Array]:
        """Yield records with exactly these branches, at most ``step_size`` entries at a time.

        Args:
            branches: what to read; all branches if ``None``.
            step_size: most entries in memory at once.
            entry_start: first entry, counted over all files.
            entry_stop: one past the last entry, counted over all files.

        Raises:
            InputError: if a file lacks some of the branches (all are listed) or is damaged.
        """
        names = self.branches if branches is None else list(dict.fromkeys(branches))
        self.require(names)
        stored = stored_names(names, self._branches)
        for arrays, first, last, _ in self._ranges(entry_start, entry_stop) if names else ():
            for chunk in arrays.iterate(stored, first, last, step_size):
                yield as_asked(chunk, names, arrays.path, self._branches)

    def blocks(
        self,
        branches: Sequence[str],
        step_size: int = _STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[EntryRange]:
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
        stored = stored_names(branches, self._branches)
        for arrays, first, last, offset in self._ranges(entry_start, entry_stop):
            for start, stop in pairwise(arrays.edges(stored, first, last, step_size)):
                yield EntryRange(arrays.path, start, stop, offset, arrays, self._branches)

    def _ranges(self, entry_start: int | None, entry_stop: int | None) -> Iterator[tuple[TreeArrays, int, int, int]]:
        start = 0 if entry_start is None else entry_start
        stop = self.num_entries if entry_stop is None else min(entry_stop, self.num_entries)
        offset = 0
        with _executor(self._threads) as executor:
            for path, entries in zip(self.files, self.entries_per_file, strict=True):
                first, last = max(start - offset, 0), min(stop - offset, entries)
                if first < last:
                    with self._opened(path) as tree:
                        yield TreeArrays(path, tree, executor), first, last, offset
                offset += entries


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
