"""Which branches of tuples can be written, and what is said of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.sources import TupleSource

__all__ = ["Format", "name_problem", "require_writable", "unwritable"]

Format = Literal["ttree", "rntuple"]
_NOT_IN_FIELD = re.compile(r"[./\\\x00-\x1f\x7f]")


def unwritable(reader: TupleSource, names: Iterable[str], format: Format = "ttree") -> dict[str, BranchType]:
    """Return those of the branches that cannot be read or written, with the reason.

    These hold something else than numbers, lists or arrays of numbers, or have a name that the format does not allow.
    """
    refused = {name: reader.types[name] for name in names if name in reader.types}
    return {
        name: replace(branch, kind=branch.reason or name_problem(name, format))
        for name, branch in refused.items()
        if not branch.can_be_written or name_problem(name, format)
    }


def name_problem(name: str, format: Format) -> str:
    """Return why a format does not allow a name; empty if it does."""
    if format == "rntuple" and _NOT_IN_FIELD.search(name):
        return "an RNTuple allows no '.', '/' or '\\' in a name; write --format ttree"
    return ""


def require_writable(reader: TupleSource, names: Iterable[str], suggestion: str = "", format: Format = "ttree") -> list[str]:
    """Return the branches if all of them can be written.

    Args:
        reader: the tuples.
        names: branches to write.
        suggestion: what to do about those that cannot be written; by default, to skim the file first.
        format: what to write.

    Raises:
        InputError: lists all that cannot be written, with their types; or there are none.
    """
    names = list(names)
    if refused := unwritable(reader, names, format):
        what = suggestion or f"copy the file without them first: {command('skim')} --skip-unwritable"
        raise InputError(_message(reader, refused, what))
    if not names:
        msg = f"{reader.files[0]}: {reader.place} has no branches"
        raise InputError(msg)
    return names


def _message(reader: TupleSource, refused: Mapping[str, BranchType], suggestion: str) -> str:
    lines = "".join(f"\n  {name} ({branch}): {branch.reason}" for name, branch in refused.items())
    many = f"{len(refused)} branches" if len(refused) > 1 else "a branch"
    return (
        f"{reader.files[0]}: {reader.place} has {many} that cannot be written:{lines}\n"
        f"only numbers, and lists or fixed arrays of numbers, are written; {suggestion}"
    )
