"""Opening ROOT files and their trees for reading, with errors that name the file and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uproot
from uproot.source.file import MultithreadedFileSource

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.class_names import remember_class_names
from TauAdv.tuples.files.header import check_root_file
from TauAdv.tuples.read_errors import reading

__all__ = ["entry_boundaries", "open_root", "open_tree", "tree_names", "without_cycle"]

_TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
_NO_TREES = {
    "TChain": "names of files only: give those files as input",
    "ROOT::Experimental::RNTuple": "of a format before the first release of RNTuple: copy it with ROOT 6.34 or later",
}

remember_class_names()


@contextmanager
def open_root(path: Path | str) -> Iterator[Any]:
    """Open a ROOT file for reading, after checking that it is whole.

    Raises:
        InputError: if it is missing, empty, not a ROOT file, truncated or damaged.
    """
    check_root_file(path)
    with reading(path):
        # The caches would keep the trees of the last hundred files and 100 MB of arrays, which streams do not read again.
        # A plain file, in the form that splits no name: uproot takes '::' and ':' for other file systems and for objects.
        options = {"object_cache": None, "array_cache": None, "handler": MultithreadedFileSource, "num_workers": 1}
        file = uproot.open({str(Path(path).absolute()): None}, **options)
    with file:
        yield file


def without_cycle(tree: str) -> str:
    """Return the name of a tree without ``;2`` (ROOT's number of the version of an object) and ``/`` at its ends."""
    return tree.partition(";")[0].strip("/")


def require_tree_name(name: str) -> str:
    """Return the name of a tree to write, ``tree`` or ``folder/tree``.

    Raises:
        ValueError: if it could not be read back: with ``;``, which begins the number of a version, or an empty part.
    """
    if ";" in name or not all(part.strip() for part in name.split("/")):
        msg = f"expected the name of a tree, such as taus or folder/taus, without ';'; received {name!r}"
        raise ValueError(msg)
    return name


def tree_names(file: Any) -> list[str]:
    """Return the names of the trees in an open ROOT file, those in folders as ``folder/tree``; versions count once."""
    return [name for name, kind in _contents(file).items() if kind in _TREES]


def _contents(file: Any) -> dict[str, str]:
    with reading(file.file_path):
        return dict(file.classnames(cycle=False))


def open_tree(file: Any, path: Path, tree: str) -> Any:
    """Return a tree of an open ROOT file, its latest version unless the name ends in ``;N``.

    Raises:
        InputError: if there is none of that name; lists those there are.
    """
    contents, name = _contents(file), without_cycle(tree)
    present = tree_names(file)
    version = tree.strip("/") if ";" in tree else name
    with reading(path):
        known = version == name or version in file.keys(cycle=True)
    if name not in present or not known:
        raise InputError(f"{path}: {_no_tree(tree, contents, present)}")
    with reading(path, f"tree '{tree}'"):
        return file[tree.strip("/")]


def _no_tree(tree: str, contents: dict[str, str], present: list[str]) -> str:
    if not contents:
        return f"no tree '{tree}': the file has no list of contents; if its writer did not close it, open it with ROOT, once"
    if tree in contents and tree not in present:
        kind = contents[tree]
        return (
            f"'{tree}' is a {kind}, {_NO_TREES.get(kind, 'not a tree')}; trees in this file: {', '.join(present) or 'none'}"
        )
    return f"no tree '{tree}'{nearest(tree, present)}; trees in this file: {', '.join(present) or 'none'}"


def entry_boundaries(tree: Any, branches: Sequence[str]) -> np.ndarray:
    """Return the entries at which all these branches start a new basket or cluster, the end of the tree included."""
    if isinstance(tree, uproot.TTree):
        wanted = set(branches)
        offsets = tree.common_entry_offsets(filter_branch=lambda branch: branch.name in wanted, recursive=False)
    else:
        offsets = [cluster.num_first_entry for cluster in tree.cluster_summaries]
    return np.unique([0, *offsets, int(tree.num_entries)]).astype(np.int64)
