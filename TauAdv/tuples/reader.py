"""Streamed reading of tau tuples of any format (:mod:`TauAdv.tuples.formats`); only the branches asked for."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from TauAdv.arguments import checked
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.io.sources import STEP_SIZE
from TauAdv.tuples.branches.conversion import as_asked, stored_names
from TauAdv.tuples.branches.in_files import FileBranches
from TauAdv.tuples.branches.records import contents_of, of_columns, rows_of
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.formats.registry import common_format
from TauAdv.tuples.formats.tuple_file import TupleFile
from TauAdv.tuples.read_errors import reading
from TauAdv.tuples.schema import collection_of
from TauAdv.tuples.sources import TupleSource

__all__ = ["EntryRange", "TupleReader", "open_tuples", "read"]

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
        file: the open file.
        branches: the branches of all files.
    """

    path: Path
    start: int
    stop: int
    offset: int
    file: TupleFile
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
        columns: dict[str, Any] = {}
        if not names:
            length = len(self) if rows is None else len(np.arange(len(self))[rows])
            return ak.Array(ak.contents.RecordArray([], [], length=length))
        for first in range(0, len(names), max(step, 1)):
            wanted = names[first : first + step]
            stored = self.file.read(stored_names(wanted, self.branches), self.start, self.stop)
            part = as_asked(stored, wanted, self.path, self.branches)
            columns |= contents_of(part if rows is None else rows_of(part, rows))
        return of_columns({name: columns[name] for name in names})


class TupleReader:
    """One or more files of one format, read as one sequence of entries; make one with :func:`open_tuples`.

    Branches whose types differ between files become the type that holds all their numbers. Counters of lists that the file
    does not have (``n_pfCand`` for every ``pfCand_*``) can be read, too.

    Args:
        inputs: file, folder, glob pattern, ``.txt`` list or a sequence of these (see :func:`resolve_inputs`).
        tree: name of the tree; of no meaning for formats with one table a file.
        prefix: put before the names of ``inputs``.
        threads: threads that decompress.
        allow_duplicates: read a file again that is given under another name, too.

    Attributes:
        files: the files, in order.
        format: of the files.
        entries_per_file: entries of each.

    Example:
        >>> reader = TupleReader("data/*.root")
        >>> for taus in reader.iterate(["tau_pt", "pfCand_pt"]):
        ...     print(len(taus), taus.tau_pt)

    Raises:
        InputError: if a file is missing, damaged or without the tree, or files are of several formats.
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
        self.format = common_format(self.files)
        self.tree = tree
        self._threads = threads
        self._only_file = ExitStack()  # a single file stays open: to parse its tree again takes half a second
        self._only_opened: TupleFile | None = None
        weakref.finalize(self, self._only_file.close)
        self._branches = FileBranches(self.place)
        self.entries_per_file: list[int] = []
        for path in self.files:
            with self._opened(path) as opened, reading(path, self.place):
                self.entries_per_file.append(opened.num_entries)
                self._branches.add(path, self.entries_per_file[-1], opened.find_types())

    def __repr__(self) -> str:
        return f"<tuples in {len(self.files)} files, {self.place}: {self.num_entries} entries>"

    def __str__(self) -> str:
        names = [path.name for path in self.files[:_SHOWN_FILES]] + ["..."] * (len(self.files) > _SHOWN_FILES)
        collections = Counter(collection_of(name) for name in self.branches if name in self.counters)
        single = len(self.branches) - sum(collections.values())
        lines = [
            f"tuples: {self.num_entries:,} entries of the {self.place} in {', '.join(names)}",
            f"  {len(self.branches)} branches: {single} of the entry; lists: "
            + ", ".join(f"{name} {count}" for name, count in collections.most_common(_SHOWN_COLLECTIONS)),
        ]
        return "\n".join(lines).removesuffix("; lists: ")

    @contextmanager
    def _opened(self, path: Path) -> Iterator[TupleFile]:
        if len(self.files) > 1:
            with ExitStack() as stack:
                yield self._open(path, stack)
            return
        if self._only_opened is None:
            self._only_opened = self._open(path, self._only_file)
        try:
            yield self._only_opened
        finally:
            self._only_opened.release()

    def _open(self, path: Path, stack: ExitStack) -> TupleFile:
        with reading(path):
            return stack.enter_context(self.format.open(path, self.tree, self._threads))

    @property
    def place(self) -> str:
        """What messages call the tree or table within a file, for example ``tree 'taus'``."""
        return self.format.place(self.tree)

    def identity(self) -> list[dict[str, Any]]:
        """What manifests record of the files."""
        return [describe_input(path) for path in self.files]

    @checked
    def other_tree(self, tree: str) -> TupleReader:
        """Return another tree of the same files.

        Raises:
            InputError: if a file does not have it, or its format has one table a file.
        """
        self.format.require_tree(self.files[0], tree)
        return TupleReader(self.files, tree, threads=self._threads, allow_duplicates=True)

    @property
    def column_names(self) -> list[str]:
        """The same as :attr:`branches`."""
        return self.branches

    @property
    def branches(self) -> list[str]:
        """Names of the branches of the first file that has entries, without counters named as ours (``n_pfCand``)."""
        return list(self._branches.names)

    @property
    def types(self) -> Mapping[str, BranchType]:
        """Types of the branches of the first file that has entries, counters included."""
        return self._branches.types

    @checked
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

    @checked
    def require(self, names: Sequence[str]) -> None:
        """Check that all files have these branches, that they can be read, and that their types go together.

        Raises:
            InputError: lists all that are missing, cannot be read, or have types that do not go together.
        """
        self._branches.require(names)

    @checked
    def empty(self, branches: Sequence[str] | None = None) -> ak.Array:
        """Return no entries of these branches, with their types."""
        names = self.branches if branches is None else list(dict.fromkeys(branches))
        self.require(names)
        path = self._branches.path
        if not names:
            return ak.Array(ak.contents.RecordArray([], [], length=0))
        with self._opened(path) as file:
            stored = file.read(stored_names(names, self._branches), 0, 0)
            return as_asked(stored, names, path, self._branches)

    @checked
    def iterate(
        self,
        branches: Sequence[str] | None = None,
        /,
        step_size: PositiveInt = STEP_SIZE,
        entry_start: NonNegativeInt | None = None,
        entry_stop: NonNegativeInt | None = None,
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
        for file, first, last, _ in self._ranges(entry_start, entry_stop) if names else ():
            for chunk in file.iterate(stored, first, last, step_size):
                yield as_asked(chunk, names, file.path, self._branches)

    @checked
    def blocks(
        self,
        branches: Sequence[str],
        /,
        step_size: PositiveInt = STEP_SIZE,
        entry_start: NonNegativeInt | None = None,
        entry_stop: NonNegativeInt | None = None,
    ) -> Iterator[EntryRange]:
        """Yield ranges of about ``step_size`` entries that start and end with the row groups (baskets) where they can.

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
        for file, first, last, offset in self._ranges(entry_start, entry_stop):
            for start, stop in pairwise(file.edges(stored, first, last, step_size)):
                yield EntryRange(file.path, start, stop, offset, file, self._branches)

    def _ranges(self, entry_start: int | None, entry_stop: int | None) -> Iterator[tuple[TupleFile, int, int, int]]:
        start = 0 if entry_start is None else entry_start
        stop = self.num_entries if entry_stop is None else min(entry_stop, self.num_entries)
        offset = 0
        for path, entries in zip(self.files, self.entries_per_file, strict=True):
            first, last = max(start - offset, 0), min(stop - offset, entries)
            if first < last:
                with self._opened(path) as file:
                    yield file, first, last, offset
            offset += entries


def open_tuples(
    inputs: str | Path | Sequence[str | Path],
    tree: str = "taus",
    *,
    prefix: str = "",
    threads: int = 1,
    allow_duplicates: bool = False,
) -> TupleSource:
    """Return tau tuples, whatever their format: it is chosen by the content of the files, or else by their suffix.

    Args:
        inputs: file, folder, glob pattern, ``.txt`` list or a sequence of these (see :func:`resolve_inputs`).
        tree: name of the tree; of no meaning for formats with one table a file.
        prefix: put before the names of ``inputs``.
        threads: threads that decompress.
        allow_duplicates: read a file again that is given under another name, too.

    Raises:
        InputError: if a file is missing, damaged or without the tree, or files are of several formats.
    """
    return TupleReader(inputs, tree, prefix=prefix, threads=threads, allow_duplicates=allow_duplicates)


def read(
    inputs: str | Path | Sequence[str | Path],
    branches: Sequence[str] | None = None,
    tree: str = "taus",
    *,
    entry_start: int | None = None,
    entry_stop: int | None = None,
) -> ak.Array:
    """Return branches of all entries as one array (see :func:`open_tuples` for what can be read and raised)."""
    reader = open_tuples(inputs, tree)
    chunks = list(reader.iterate(branches, STEP_SIZE, entry_start, entry_stop))
    if chunks:
        return chunks[0] if len(chunks) == 1 else ak.concatenate(chunks)
    return reader.empty(branches)
