"""Opening ROOT files and trees for reading, with errors that name the file and what is wrong with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.files import check_root_file

__all__ = ["branch_names", "entry_boundaries", "open_root", "open_tree", "reading", "tree_names"]

# what uproot may raise where it takes damaged bytes for lengths, types and offsets
_FORMAT_ERRORS = (struct.error, uproot.DeserializationError, EOFError, OSError)
_CONTENT_ERRORS = (ValueError, TypeError, LookupError, AssertionError, RuntimeError)
_TREES = ("TTree", "ROOT::RNTuple")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what uproot raises on a damaged file into an :class:`InputError` that names the file."""
    try:
        yield
    except InputError:
        raise
    except (*_FORMAT_ERRORS, *_CONTENT_ERRORS) as error:
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
    with reading(Path(path)):
        # caches would keep the trees of the last hundred files and 100 MB of arrays, which streams do not read again
        file = uproot.open(Path(path), object_cache=None, array_cache=None)
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
    with reading(path):
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


def entry_boundaries(tree: Any) -> np.ndarray:
    """Return the entries at which all branches start a new basket or cluster, the end of the tree included."""
    if isinstance(tree, uproot.TTree):
        offsets = tree.common_entry_offsets()
    else:
        offsets = [cluster.num_first_entry for cluster in tree.cluster_summaries]
    return np.unique([0, *offsets, tree.num_entries])
