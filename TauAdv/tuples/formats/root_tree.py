"""Reading of a range of entries of one tree: TTree or RNTuple, every cluster of an RNTuple once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.formats.root_types import branch_types
from TauAdv.tuples.formats.tuple_file import TupleFile
from TauAdv.tuples.rntuple.clusters import ClusterReader
from TauAdv.tuples.trees import entry_boundaries

__all__ = ["RootTree"]


class RootTree(TupleFile):
    """The branches of one open tree as arrays.

    Args:
        path: the file.
        tree: an open TTree or RNTuple.
        executor: decompresses the baskets of a TTree in parallel.
    """

    def __init__(self, path: Path, tree: Any, executor: Executor | None = None) -> None:
        super().__init__(path)
        self.tree = tree
        self._options = {} if executor is None else {"decompression_executor": executor}

    @cached_property
    def _clusters(self) -> ClusterReader | None:
        return None if isinstance(self.tree, uproot.TTree) else ClusterReader(self.tree)

    @property
    def num_entries(self) -> int:
        """Number of entries."""
        return int(self.tree.num_entries)

    def find_types(self) -> Mapping[str, BranchType]:
        """Return the type of every branch at the top of the tree, in their order."""
        return branch_types(self.tree)

    def boundaries(self, names: Sequence[str]) -> np.ndarray:
        """Return the entries at which all these branches start a new basket or cluster."""
        return entry_boundaries(self.tree, names)

    def release(self) -> None:
        """Let go of the cluster that is in memory."""
        if (clusters := self.__dict__.get("_clusters")) is not None:  # damage may have kept it from being made
            clusters.release()

    def arrays(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return records with these branches of the entries from ``start`` to ``stop``."""
        if self._clusters is not None:
            return self._clusters.read(names, start, stop)
        return self.tree.arrays(
            filter_branch=_named(names), entry_start=start, entry_stop=stop, library="ak", **self._options
        )

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


def _named(names: Sequence[str]) -> Callable[[Any], bool]:
    """Return a filter of the branches at the top of a tree: a name may occur again within an object."""
    wanted = set(names)
    return lambda branch: branch.name in wanted and branch.top_level
