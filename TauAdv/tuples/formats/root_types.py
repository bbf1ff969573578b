"""What each branch of a tree in a ROOT file holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import uproot
from uproot.interpretation.identify import UnknownInterpretation
from uproot.interpretation.jagged import AsJagged
from uproot.interpretation.numerical import AsDtype, Numerical
from uproot.interpretation.objects import AsStridedObjects
from uproot.interpretation.strings import AsStrings

from TauAdv.errors import first_line
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.rntuple.field_types import field_types

__all__ = ["branch_types"]

_NUMBERS = "biuf"
_LARGEST_NUMBER = 8  # bytes: nothing reads or writes a long double


def branch_types(tree: Any) -> dict[str, BranchType]:
    """Return the type of every branch at the top of a tree, in their order."""
    if not isinstance(tree, uproot.TTree):
        return {name: BranchType(**found) for name, found in field_types(tree).items()}
    types: dict[str, BranchType] = {}
    for branch in tree.branches:
        types[branch.name] = _branch_type(branch, int(tree.num_entries))
    for name, number in Counter(branch.name for branch in tree.branches).items():
        if number > 1:
            types[name] = BranchType(types[name].typename, problem=f"the tree has {number} branches of this name")
    _mark_shared_data(tree, types)
    return types


def _branch_type(branch: Any, entries: int) -> BranchType:
    try:
        return _interpreted(branch, entries)
    except Exception as error:  # whatever uproot meets in damaged bytes
        return BranchType("unknown", problem=f"its description is damaged ({type(error).__name__}: {first_line(error)})")


def _interpreted(branch: Any, entries: int) -> BranchType:
    if len(branch.branches):  # of some, as TClonesArray, uproot reads the number of objects as if it were all
        return BranchType(_class_name(branch), kind="an object split into branches")
    interpretation = branch.interpretation
    if interpretation is None or isinstance(interpretation, UnknownInterpretation):
        return BranchType(_class_name(branch), problem=_why(interpretation))
    jagged = isinstance(interpretation, AsJagged)
    content = interpretation.content if jagged else interpretation
    typename = str(interpretation.typename)
    dtype, shape = _numbers(content)
    if dtype is None:
        return BranchType(typename, kind=_kind(content))
    if jagged and shape:
        return BranchType(typename, kind="lists of arrays")
    return BranchType(typename, dtype, jagged, shape, _counter(branch), problem=_entries_problem(branch, entries))


def _numbers(content: Any) -> tuple[np.dtype | None, tuple[int, ...]]:
    if not isinstance(content, Numerical):
        return None, ()
    dtype = np.dtype(content.to_dtype)
    base, shape = dtype.subdtype or (dtype, ())
    if base.kind not in _NUMBERS or base.itemsize > _LARGEST_NUMBER:
        return None, ()
    return base.newbyteorder("="), shape


def _kind(content: Any) -> str:
    if isinstance(content, AsStrings):
        return "text"
    if isinstance(content, AsDtype) and not isinstance(content, AsStridedObjects):
        return "a structure of several leaves"
    return "lists of lists" if str(content.typename).count("vector<") > 1 else "an object"


def _class_name(branch: Any) -> str:
    """Return the class of the objects of a branch, or else its title, which lists its leaves."""
    keys = ("fClonesName", "fClassName", "fTitle")
    return next((str(name) for key in keys if (name := branch.member(key, none_if_missing=True))), "unknown")


def _why(interpretation: Any) -> str:
    lines = str(interpretation or "").strip().splitlines()
    return f"its type is not known to uproot{f' ({lines[0].strip()})' if lines else ''}"


def _counter(branch: Any) -> str | None:
    counter = branch.count_branch
    return None if counter is None else str(counter.name)


def _entries_problem(branch: Any, entries: int) -> str:
    """Return what is wrong with the entries: a branch that was not filled as often as the others, or damage."""
    if branch.num_entries != entries:
        return f"it has {branch.num_entries} entries where the tree has {entries}"
    try:
        offsets = branch.entry_offsets
    except ValueError:
        return f"its baskets do not hold as many entries as it has ({entries})"
    if offsets[0] != 0 or offsets[-1] != entries or np.any(np.diff(offsets) < 0):
        return f"its baskets do not hold the {entries} entries of the tree, one after the other"
    return ""


def _mark_shared_data(tree: Any, types: dict[str, BranchType]) -> None:
    """Mark branches that claim the same place of the file: damage that uproot would wait for without end."""
    owners: dict[int, str] = {}
    for branch in tree.branches:
        for seek in branch.member("fBasketSeek")[: branch.num_baskets].tolist():
            if seek and owners.setdefault(seek, branch.name) != branch.name:
                found = types[branch.name]
                types[branch.name] = BranchType(
                    found.typename, problem=f"its data lie where those of {owners[seek]} are: the list of baskets is damaged"
                )
                break
