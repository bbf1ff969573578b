"""Texts of few characters: names of jobs, of queues, of exported networks."""

from __future__ import annotations

import re

from pydantic import AfterValidator

from TauAdv.errors import shortened

__all__ = ["of_characters"]


def of_characters(others: str) -> AfterValidator:
    """Return the check of a text of letters, digits, ``_`` and ``others`` that begins with one of the first three.

    Example:
        >>> Name = Annotated[str, of_characters(".-")]
    """
    allowed = re.compile(rf"\w[\w{re.escape(others)}]*")

    def check(text: str) -> str:
        if allowed.fullmatch(text) is None:
            msg = (
                f"expected letters, digits and {' '.join(['_', *others])}, the first of them a letter, a digit or _; "
                f"received {shortened(text)!r}"
            )
            raise ValueError(msg)
        return text

    return AfterValidator(check)
