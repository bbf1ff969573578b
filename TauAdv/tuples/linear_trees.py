"""TTrees of many branches in linear time: uproot sums all that it has so far again for every branch.

A workaround for ``uproot.writing._cascadetree.Tree._build_out`` (docs/upstream.md): uproot describes every branch as if it
were the only one, and the descriptions are put one behind the other. The file has the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any

import numpy as np
import uproot
from uproot.serialization import numbytes_version

__all__ = ["POSITIONS", "LinearTree", "linear_trees"]

#: Where parts of a branch are in the description of the tree, in bytes.
POSITIONS = ("metadata_start", "basket_metadata_start", "tleaf_reference_number")
_AFTER_BRANCHES = 3  # pieces: what describes the list of leaves, the list, the end of the tree
_ARRAY_NAME = slice(6, 17)  # bytes of what describes a list: between its size in bytes and its number of elements
_TREE_VERSION, _ARRAY_VERSION = 20, 3  # of ROOT's classes TTree and TObjArray
_Upstream: Any = getattr(getattr(uproot.writing, "_cascadetree", None), "Tree", object)
_exchange = RLock()


class LinearTree(_Upstream):
    """A tree that uproot describes branch by branch."""

    _branch_data: list[dict[str, Any]]

    def _build_out(self) -> list[bytes]:
        every = self._branch_data
        branches = [branch for branch in every if branch["kind"] != "record"]
        pieces: list[bytes] = []
        shift = 0
        try:
            for branch in branches:
                self._branch_data = [branch]
                alone = _Upstream._build_out(self)
                first = alone.index(b"TBranch\x00") - 1  # before the name of the class is the size of the branch
                own = alone[first:-_AFTER_BRANCHES]
                for position in POSITIONS:
                    branch[position] += shift
                pieces += own
                shift += sum(map(len, own))
        finally:
            self._branch_data = every
        leaves = [branch["tleaf_reference_number"] for branch in branches]
        return _together(alone[:first], pieces, leaves, alone[-_AFTER_BRANCHES], alone[-1])


def _together(head: list[bytes], branches: list[bytes], leaves: Sequence[int], leaf_array: bytes, end: bytes) -> list[bytes]:
    """Return the description of a tree; head, leaf array and end are those of a tree of one branch."""
    _, *fixed, _, array_name, _ = head
    number = uproot.models.TObjArray._tobjarray_format1.pack(len(leaves), 0)
    references = np.array(leaves, ">u4").tobytes()
    content = [
        *fixed,
        *_sized([array_name, number, *branches], _ARRAY_VERSION),
        *_sized([leaf_array[_ARRAY_NAME], number, references], _ARRAY_VERSION),
        end,
    ]
    return _sized(content, _TREE_VERSION)


def _sized(content: list[bytes], version: int) -> list[bytes]:
    return [numbytes_version(sum(map(len, content)), version), *content]


@contextmanager
def linear_trees() -> Iterator[None]:
    """Make the trees of this block :class:`LinearTree`.

    Without effect where uproot's private parts have changed, so that a small tree would get other bytes.
    """
    if not _has_same_bytes():
        yield
        return
    module = uproot.writing._cascadetree
    with _exchange:
        before, module.Tree = module.Tree, LinearTree
        try:
            yield
        finally:
            module.Tree = before


@cache
def _has_same_bytes() -> bool:
    try:
        with uproot.recreate(io.BytesIO()) as file:
            types = {"a": "float32", "b": "var * int32", "c": "var * float64", "d": "3 * uint64"}
            tree = file.mktree("small", types, counter_name="n_{}".format)._cascading
            return _described(_Upstream, tree) == _described(LinearTree, tree)
    except Exception:  # uproot's own way is right, whatever has changed there
        return False


def _described(kind: Any, tree: Any) -> tuple[bytes, list[int]]:
    description = b"".join(kind._build_out(tree))
    return description, [branch[position] for branch in tree._branch_data for position in POSITIONS]
