"""Which branches a step keeps, from lists of names and regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from TauAdv.errors import ConfigError, InputError, nearest

__all__ = ["choose_columns"]


def choose_columns(
    names: Sequence[str], include: Sequence[str] = (), exclude: Sequence[str] = (), counters: Sequence[str] = ()
) -> list[str]:
    """Return the branches to keep, in their order.

    Args:
        names: all branches.
        include: names, or regular expressions that begin with ``^`` and match from the start of the name; all if empty.
        exclude: the same, for what to leave out; it wins over ``include``.
        counters: further branches, which are kept only if ``include`` has their name.

    Raises:
        InputError: if an entry matches no branch, or nothing is left.
        ConfigError: if a regular expression is not valid.
    """
    names = [*names, *(name for name in dict.fromkeys(counters) if name in include and name not in names)]
    included = _matching(names, include) if include else set(names)
    kept = included - _matching(names, exclude)
    if not kept:
        msg = f"the included ({', '.join(include) or 'all'}) and excluded ({', '.join(exclude)}) columns leave no branch"
        raise InputError(msg)
    return [name for name in names if name in kept]


def _matching(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    found: set[str] = set()
    unmatched = []
    for pattern in patterns:
        matches = _match(names, pattern)
        found |= matches
        if not matches:
            unmatched.append(f"\n  {pattern}{nearest(pattern, list(names))}")
    if unmatched:
        msg = f"columns: {len(unmatched)} of the entries match no branch:{''.join(unmatched)}"
        raise InputError(msg)
    return found


def _match(names: Sequence[str], pattern: str) -> set[str]:
    if not pattern.startswith("^"):
        return {pattern} & set(names)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        msg = f"columns: '{pattern}' is not a regular expression: {error}"
        raise ConfigError(msg) from error
    return {name for name in names if expression.match(name)}
