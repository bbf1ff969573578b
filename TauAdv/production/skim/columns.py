"""Which branches a step keeps, from lists of names and regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from TauAdv.errors import ConfigError, InputError, nearest, shortened
from TauAdv.tuples.language.characters import foreign_characters

__all__ = ["choose_columns"]

_MOST_SHOWN = 20


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
        included_names, excluded_names = shortened(", ".join(include) or "all"), shortened(", ".join(exclude))
        msg = f"the included ({included_names}) and excluded ({excluded_names}) columns leave no branch"
        raise InputError(msg)
    return [name for name in names if name in kept]


def _matching(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    found: set[str] = set()
    unmatched = []
    for pattern in patterns:
        matches = _match(names, pattern)
        found |= matches
        if not matches:
            unmatched.append(pattern)
    if unmatched:
        shown = [f"\n  {shortened(name)}{_hint(name, names)}" for name in unmatched[:_MOST_SHOWN]]
        more = "\n  ..." if len(unmatched) > _MOST_SHOWN else ""
        msg = f"columns: {len(unmatched)} of the entries match no branch:{''.join(shown)}{more}"
        raise InputError(msg)
    return found


def _hint(name: str, names: Sequence[str]) -> str:
    return foreign_characters(name[:60]) or nearest(name[:60], list(names))


def _match(names: Sequence[str], pattern: str) -> set[str]:
    if not pattern.startswith("^"):
        return {pattern} & set(names)
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:  # also brackets nested too deep, repeated too often
        msg = f"columns: '{shortened(pattern)}' is not a regular expression: {error}"
        raise ConfigError(msg) from error
    return {name for name in names if expression.match(name)}
