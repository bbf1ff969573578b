"""Numbers and paths of command-line options, as they are behind ``key=``; give these functions to argparse as ``type``.

``int`` and ``float`` also take ``1_000``, `` 5 ``, ``0123``, digits of other scripts, ``nan`` and ``infinity``: nothing of
that is taken here.
"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from TauAdv.config.scalars import core_value, has_leading_zero, require_stored
from TauAdv.errors import shortened

__all__ = ["count", "number", "path", "whole_number"]


def whole_number(text: str) -> int:
    """Return a whole number.

    Raises:
        ArgumentTypeError: if the text is none.
    """
    found = _value(text)
    if isinstance(found, bool) or not isinstance(found, int):
        raise _refusal("a whole number", text, example=", such as 20")
    try:
        require_stored(found, text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return found


def count(text: str) -> int:
    """Return a whole number of 1 or more.

    Raises:
        ArgumentTypeError: if the text is none.
    """
    found = whole_number(text)
    if found < 1:
        raise _refusal("a whole number of 1 or more", text)
    return found


def number(text: str) -> float:
    """Return a number that is finite.

    Raises:
        ArgumentTypeError: if the text is none.
    """
    found = _value(text)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise _refusal("a number", text, example=", such as 0.5")
    return float(found)


def _value(text: str) -> Any:
    """Return what a text is in the core schema; the text itself if it is no number that all read alike."""
    try:
        return text if not text or has_leading_zero(text) else core_value(text)
    except ValueError:
        return text


def _refusal(expected: str, text: str, example: str = "") -> ArgumentTypeError:
    zeros = " without leading zeros" if has_leading_zero(text) else ""
    return ArgumentTypeError(f"expected {expected}{zeros}{example}; received {shortened(text)!r}")


def path(text: str) -> Path:
    """Return a path; ``~`` at its beginning is replaced."""
    from TauAdv.config.paths import expanded  # needs pydantic, which --help does not wait for

    return Path(expanded(text))
