"""Which branches of tuples can be written, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from TauAdv.errors import InputError
from TauAdv.tuples.branch_types import BranchType
from TauAdv.tuples.reader import TupleReader

__all__ = ["require_writable", "unwritable"]


def unwritable(reader: TupleReader, names: Iterable[str]) -> dict[str, BranchType]:
    """Return those of the branches that cannot be read, or hold something else than numbers, lists or arrays of numbers."""
    return {name: reader.types[name] for name in names if name in reader.types and not reader.types[name].can_be_written}


def require_writable(reader: TupleReader, names: Iterable[str], suggestion: str = "") -> list[str]:
    """Return the branches if all of them can be written.

    Args:
        reader: the tuples.
        names: branches to write.
        suggestion: what to do about those that cannot be written; by default, to skim the file first.

    Raises:
        InputError: lists all that cannot be written, with their types; or there are none.
    """
    names = list(names)
    if refused := unwritable(reader, names):
        what = suggestion or "copy the file without them first: skim_tree.py --skip-unwritable"
        raise InputError(_message(reader, refused, what))
    if not names:
        msg = f"{reader.files[0]}: tree '{reader.tree}' has no branches"
        raise InputError(msg)
    return names


def _message(reader: TupleReader, refused: Mapping[str, BranchType], suggestion: str) -> str:
    lines = "".join(f"\n  {name} ({branch}): {branch.reason}" for name, branch in refused.items())
    many = f"{len(refused)} branches" if len(refused) > 1 else "a branch"
    return (
        f"{reader.files[0]}: tree '{reader.tree}' has {many} that cannot be written, because only numbers, and lists or "
        f"fixed arrays of numbers can be:{lines}\n{suggestion}"
    )
