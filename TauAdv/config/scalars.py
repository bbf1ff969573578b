"""What a single value in a YAML file or behind ``key=`` is: the core schema of YAML 1.2 (yaml.org/spec/1.2.2, 10.3).

YAML 1.1 takes ``12:00:00`` for a number of seconds, ``no`` for false, ``0123`` for 83 and ``2026-02-01`` for a date; here
these are text, or a problem where a number or a truth value is expected.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

from TauAdv.errors import shortened

__all__ = [
    "LONGEST_NUMBER",
    "NULLS",
    "Written",
    "core_value",
    "has_leading_zero",
    "is_blank",
    "is_null",
    "require_stored",
    "unusable_character",
]

LONGEST_NUMBER = 300
"""Digits of a whole number; those of more do not fit into a float, and Python refuses to read the longest."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
NULLS = ("", "~", "null", "Null", "NULL")
"""What stands for ``None``."""
_WORDS: dict[str, Any] = {
    **dict.fromkeys(NULLS, None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
# blank to the eye, though neither white space nor a format character to Unicode
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_SPACING = "\t\n\r"


class Written(str):
    """A value as it stands in a file or on the command line; what it means is decided by the type of its setting.

    Attributes:
        plain: whether it is written without quotes.
        line: of the file, from 1; ``None`` for the command line.
        typed: whether it comes from the command line (``key=value``), where it may also be a list or a group.
    """

    __slots__ = ("line", "plain", "typed")

    plain: bool
    line: int | None
    typed: bool

    def __new__(cls, text: str, *, plain: bool = True, line: int | None = None, typed: bool = False) -> Written:
        """Return the text with its origin."""
        self = super().__new__(cls, text)
        self.plain, self.line, self.typed = plain, line, typed
        return self


def is_null(value: Any) -> bool:
    """Return whether a value is none, or was written as that."""
    return value is None or (isinstance(value, Written) and value.plain and value in NULLS)


def core_value(text: str) -> Any:
    """Return what a value without quotes is in the core schema: ``None``, a truth value, a number, or the text itself.

    Raises:
        ValueError: for a number that cannot be kept as it is written: too many digits, too large, too close to 0.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(_not_too_long(text))
    if _FLOAT.fullmatch(text):
        return _number(text)
    if _OCTAL.fullmatch(text):
        return int(_not_too_long(text)[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(_not_too_long(text)[2:], 16)
    if _INFINITY.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return text


def require_stored(value: Any, text: str) -> None:
    """Refuse a whole number that does not fit into 64 bits: no manifest, table or generator of random numbers holds it.

    Raises:
        ValueError: says what fits.
    """
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        msg = f"expected a number that fits into 64 bits, from -2^63 to 2^63 - 1 (9.2e18); received {shortened(text)}"
        raise ValueError(msg)


def has_leading_zero(text: str) -> bool:
    """Return whether a text is a whole number that starts with zeros: 0123 was 83 in YAML 1.1 and is 123 in YAML 1.2."""
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and _INTEGER.fullmatch(text) is not None


def _not_too_long(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        msg = f"expected a number of at most {LONGEST_NUMBER} digits; received one of {len(text):,}, {shortened(text)}"
        raise ValueError(msg)
    return text


def _number(text: str) -> float:
    number = float(_not_too_long(text))
    mantissa = text.lower().partition("e")[0]
    if math.isinf(number) or (number == 0 and mantissa.strip("+-0.")):
        msg = f"expected a number between 5e-324 and 1.8e308 in size; received {text}"
        raise ValueError(msg)
    return number


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: empty, or only spaces of any kind (no-break, zero-width ...)."""
    return all(letter.isspace() or letter in _FILLERS or unicodedata.category(letter) == "Cf" for letter in text)


def unusable_character(text: str) -> str | None:
    """Return the first character that no setting may have, for messages; ``None`` if there is none.

    These are control characters (NUL among them), except tabs and line ends, and halves of characters, which is what
    bytes that are not UTF-8 become on a command line.
    """
    if text.isascii() and text.isprintable():
        return None
    for letter in text:
        category = unicodedata.category(letter)
        if category == "Cs":
            return f"a byte or half a character that is not UTF-8 (U+{ord(letter):04X})"
        if category == "Cc" and letter not in _SPACING:
            return f"the control character U+{ord(letter):04X}"
    return None
