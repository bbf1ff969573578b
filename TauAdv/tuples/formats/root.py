"""ROOT files: TTree, TNtuple or RNTuple; std::vector, RVec or leaf arrays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from TauAdv.tuples.formats.root_tree import RootTree
from TauAdv.tuples.formats.tuple_file import TupleFormat
from TauAdv.tuples.trees import open_root, open_tree

__all__ = ["Root"]


class Root(TupleFormat):
    """ROOT files."""

    name = "ROOT"
    suffixes = (".root",)

    def recognises(self, start: bytes) -> bool:
        """Return whether a file starts as ROOT files do."""
        return start.startswith(b"root")

    @contextmanager
    def open(self, path: Path, tree: str, threads: int = 1) -> Iterator[RootTree]:
        """Open a tree of a file, its latest version unless the name ends in ``;N``."""
        with ExitStack() as stack:
            executor = stack.enter_context(ThreadPoolExecutor(threads)) if threads > 1 else None
            yield RootTree(path, open_tree(stack.enter_context(open_root(path)), path, tree), executor)

    def place(self, tree: str) -> str:
        """Return the name of the tree for messages."""
        return f"tree '{tree}'"

    def require_tree(self, path: Path, tree: str) -> None:
        """Take any tree: a file may have several."""
