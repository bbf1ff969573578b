"""Numbers as C++ writes them, of the type that C++ gives them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from TauAdv.errors import InputError, shortened

__all__ = ["float_literal", "integer_literal"]

#: A double has at most 767 significant digits; what is longer was not meant as a number.
_LONGEST = 1000
_BASES = {"0x": 16, "0b": 2}


def _check_length(text: str) -> None:
    if len(text) > _LONGEST:
        msg = f"{shortened(text, 40)} is too large: a number of {len(text)} characters"
        raise InputError(msg)


def float_literal(text: str) -> np.floating:
    """Return the float of ``1.5f``, the double of ``1.5``, ``.5`` or ``1e3``.

    Raises:
        InputError: if the type does not hold the number.
    """
    _check_length(text)
    digits = text.rstrip("fF")
    value = np.float64(digits) if digits == text else _nearest_float(digits)
    name = "a double" if digits == text else "a float"
    if np.isinf(value):
        msg = f"{shortened(text, 40)} is too large for {name}"
        raise InputError(msg)
    if value == 0 and any(digit in "123456789" for digit in digits.lower().partition("e")[0]):
        msg = f"{shortened(text, 40)} is too small for {name}: it would be 0"
        raise InputError(msg)
    return value


def _nearest_float(digits: str) -> np.float32:
    """Return the float nearest to a decimal number: the double nearest to it may lie on the wrong side of a middle."""
    double = float(digits)
    with np.errstate(over="ignore", under="ignore"):
        single = np.float32(double)
        neighbours = [single, np.nextafter(single, np.float32(-np.inf)), np.nextafter(single, np.float32(np.inf))]
    middles = [(float(single) + float(other)) / 2 for other in neighbours[1:]]
    if double not in middles or not np.isfinite(neighbours).all():
        return single
    exact = Fraction(digits)
    return single if exact == Fraction(double) else min(neighbours, key=lambda other: abs(Fraction(float(other)) - exact))


def integer_literal(text: str) -> np.integer:
    """Return the number of ``10``, ``0x10``, ``0b10``, ``010`` (octal), ``10u`` or ``10L``, of the type that C++ takes.

    Raises:
        InputError: if it is too large, or an octal number has the digits 8 or 9.
    """
    digits = text.lower().rstrip("ul")
    suffix = text.lower()[len(digits) :]
    base = _BASES.get(digits[:2], 8 if len(digits) > 1 and digits[0] == "0" else 10)
    number = digits[2:] if base in _BASES.values() else digits
    _check_length(number)
    try:
        value = int(number, base)
    except ValueError:
        msg = f"'{shortened(digits)}' starts with 0 and so is octal, but has digits above 7"
        raise InputError(msg) from None
    for kind in (np.int32, np.uint32, np.int64, np.uint64):
        unsigned, is_long = kind in (np.uint32, np.uint64), kind in (np.int64, np.uint64)
        allowed = (unsigned or "u" not in suffix) and (is_long or "l" not in suffix)
        if allowed and not (unsigned and base == 10 and "u" not in suffix) and value <= np.iinfo(kind).max:
            return kind(value)
    msg = f"{shortened(digits, 40)} is too large for an integer"
    raise InputError(msg)
