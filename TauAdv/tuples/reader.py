"""Streamed reading of tau tuples: TTree or RNTuple; std::vector, RVec or leaf arrays; only the branches asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import awkward as ak
import uproot

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.files import check_root_file, resolve_inputs

__all__ = ["TupleReader", "open_root", "read"]

_READ_ERRORS = (
    *(OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AssertionError),
    *(RuntimeError, NotImplementedError, struct.error, uproot.DeserializationError),
)
_STEP_SIZE = 20_000
_TREES = ("TTree", "ROOT::RNTuple")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _READ_ERRORS as error:
        cause = f"{type(error).__name__}: {error}"
        msg = f"{path}: cannot be read as a ROOT file, it may be damaged; make or copy it again ({cause})"
        raise InputError(msg) from error


@contextmanager
def open_root(path: Path | str) -> Iterator[Any]:
    """Open a ROOT file for reading, after checking that it is whole.

    Raises:
        InputError: if it is missing, empty, not a ROOT file, truncated or damaged.
    """
    check_root_file(path)
    with _reading(Path(path)):
        file = uproot.open(Path(path))
    with file:
        yield file


def tree_names(file: Any) -> list[str]:
    """Return the names of the trees in an open ROOT file."""
    return [name for name, kind in file.classnames(cycle=False).items() if kind in _TREES]


def open_tree(file: Any, path: Path, tree: str) -> Any:
    """Return a tree of an open ROOT file.

    Raises:
        InputError: if there is none of that name; lists those there are.
    """
    present = tree_names(file)
    if tree not in present:
        trees = ", ".join(present) or "none"
        msg = f"{path}: no tree '{tree}'{nearest(tree, present)}; trees in this file: {trees}"
        raise InputError(msg)
    with _reading(path):
        return file[tree]


def branch_names(tree: Any) -> list[str]:
    """Return the branches of a tree, without those that only count the values of leaf arrays."""
    if not isinstance(tree, uproot.TTree):
        return list(tree.keys(recursive=False))
    names, counters = [], set()
    for branch in tree.branches:
        names.append(branch.name)
        for leaf in branch.member("fLeaves"):
            counter = leaf.member("fLeafCount")
            if counter is not None:
                counters.add(counter.member("fName"))
    return [name for name in names if name not in counters]


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
        self._branches: list[str] = []
        self.entries_per_file: list[int] = []
        for index, path in enumerate(self.files):
            with open_root(path) as file, _reading(path):
                opened = open_tree(file, path, tree)
                self.entries_per_file.append(int(opened.num_entries))
                if index == 0:
                    self._branches = branch_names(opened)

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
        with open_root(path) as file:
            tree = open_tree(file, path, self.tree)
            with _reading(path):
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
        start = 0 if entry_start is None else entry_start
        stop = self.num_entries if entry_stop is None else min(entry_stop, self.num_entries)
        offset = 0
        with _executor(self._threads) as executor:
            for path, entries in zip(self.files, self.entries_per_file, strict=True):
                first, last = max(start - offset, 0), min(stop - offset, entries)
                offset += entries
                if first < last:
                    yield from self._iterate_file(path, names, step_size, first, last, executor)

    def _iterate_file(
        self, path: Path, names: list[str], step_size: int, start: int, stop: int, executor: Executor | None
    ) -> Iterator[ak.Array]:
        with open_root(path) as file:
            tree = open_tree(file, path, self.tree)
            with _reading(path):
                self._require(path, names, branch_names(tree))
            wanted = set(names)
            options = {"decompression_executor": executor} if executor and isinstance(tree, uproot.TTree) else {}
            chunks = tree.iterate(
                filter_name=lambda name: name in wanted,
                step_size=step_size,
                entry_start=start,
                entry_stop=stop,
                library="ak",
                **options,
            )
            while True:
                with _reading(path):
                    chunk = next(chunks, None)
                    chunk = None if chunk is None else chunk[names]
                if chunk is None:
                    return
                yield chunk


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
