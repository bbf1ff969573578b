"""What steps ask of tau tuples, in whatever format they are: :class:`TauAdv.io.sources.Source`, and types and ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import awkward as ak
import numpy as np

from TauAdv.io.sources import STEP_SIZE, Source
from TauAdv.tuples.branches.types import BranchType

__all__ = ["EntryBlock", "TupleSource"]


class EntryBlock(Protocol):
    """A range of entries whose branches are read when asked for."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def start(self) -> int:
        """First entry, counted within the file."""
        ...

    @property
    def stop(self) -> int:
        """One past the last entry."""
        ...

    @property
    def offset(self) -> int:
        """Entries of the files before."""
        ...

    def __len__(self) -> int: ...

    def read(self, names: Sequence[str], rows: np.ndarray | None = None) -> ak.Array:
        """Return records with exactly these branches; ``rows`` (a mask or indices) are kept, or all."""
        ...


@runtime_checkable
class TupleSource(Source[ak.Array], Protocol):
    """Tau tuples: entries of named branches, each a number, a list or a fixed array of numbers."""

    @property
    def tree(self) -> str:
        """Name of the tree, which outputs get, too."""
        ...

    @property
    def place(self) -> str:
        """What messages call the tree or table within a file, for example ``tree 'taus'``."""
        ...

    @property
    def entries_per_file(self) -> Sequence[int]:
        """Entries of each file."""
        ...

    @property
    def branches(self) -> list[str]:
        """Names of the branches, without those that only count the values of lists."""
        ...

    @property
    def types(self) -> Mapping[str, BranchType]:
        """Types of the branches, counters included."""
        ...

    @property
    def counters(self) -> dict[str, str]:
        """By jagged branch: the name of what counts its values, which can be read as a branch."""
        ...

    @property
    def only_in_some(self) -> list[str]:
        """Branches that later files have and the first does not; they are not read."""
        ...

    def common_types(self, names: Sequence[str]) -> dict[str, BranchType]:
        """Return the types that branches have when read, wide enough for the numbers of all files."""
        ...

    def require(self, names: Sequence[str]) -> None:
        """Check that all files have these branches, and that they can be read.

        Raises:
            InputError: lists all that fail.
        """
        ...

    def empty(self, branches: Sequence[str] | None = None) -> ak.Array:
        """Return no entries of these branches, with their types."""
        ...

    def other_tree(self, tree: str) -> TupleSource:
        """Return another tree of the same files.

        Raises:
            InputError: if a file does not have it.
        """
        ...

    def iterate(
        self,
        names: Sequence[str] | None = None,
        /,
        step_size: int = STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[ak.Array]:
        """Yield records with exactly these branches, of a range of entries counted over all files."""
        ...

    def blocks(
        self,
        names: Sequence[str],
        /,
        step_size: int = STEP_SIZE,
        entry_start: int | None = None,
        entry_stop: int | None = None,
    ) -> Iterator[EntryBlock]:
        """Yield ranges of about ``step_size`` entries, for steps that look at a few branches before they read the others."""
        ...
