"""Arithmetic on arrays with the types and conversions of C++, which decide the last float of a cut.

numpy promotes int32 with float32 to float64 and compares signed with unsigned integers by value; C++ does neither. Where C++
has no result (an integer divided by 0, a NaN as an integer) there is an error, unless the entry never gets there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from TauAdv.errors import InputError
from TauAdv.tuples.language import types

__all__ = ["Value", "binary", "cast", "common_type", "convert", "truth", "unary"]

Value = Any  # numpy array or scalar


def common_type(*values: Value) -> np.dtype:
    """Return the type in which C++ combines values (see :func:`TauAdv.tuples.language.types.common_type`)."""
    return types.common_type(*(np.asarray(value).dtype for value in values))


def convert(value: Value, dtype: np.dtype) -> Value:
    """Convert to a type that holds every value, or as C++ does between integers (modulo) and to fewer digits."""
    return np.asarray(value).astype(dtype, copy=False)


def cast(value: Value, dtype: np.dtype, active: Value = True) -> Value:
    """Convert as a C++ cast does: a float becomes an integer towards zero.

    Raises:
        InputError: if a value is NaN or too large for the integer in an active entry; C++ leaves open what it becomes.
    """
    value = np.asarray(value)
    if dtype.kind == "b":
        return truth(value)
    if value.dtype.kind != "f" or dtype.kind == "f":
        return convert(value, dtype)
    whole, limits = np.trunc(value), np.iinfo(dtype)
    fits = (whole >= float(limits.min)) & (whole < 2.0 ** (limits.bits - (dtype.kind == "i")))
    if np.any(~fits & active):
        wrong = np.broadcast_to(value, np.broadcast_shapes(value.shape, np.shape(active)))[~fits & active].flat[0]
        msg = f"{wrong:g} has no value as {dtype.name}; guard it, as in 'std::abs(x) < 1e9 && (int)x == 2'"
        raise InputError(msg)
    return np.where(fits, whole, 0).astype(dtype)


def truth(value: Value) -> Value:
    """Return which values are true: all but zero (NaN is true)."""
    return np.asarray(value) != 0


def unary(operator: str, value: Value) -> Value:
    """Apply ``+``, ``-``, ``~`` or ``!``.

    Raises:
        TypeError: if ``~`` is applied to a float.
    """
    if operator == "!":
        return ~truth(value)
    value = convert(value, common_type(value))
    if operator == "~":
        return np.invert(_integer(operator, value))
    return np.negative(value) if operator == "-" else value


def binary(operator: str, left: Value, right: Value, active: Value = True) -> Value:
    """Apply an arithmetic, comparison, bit or shift operator in the common type of its operands.

    Args:
        operator: as written in C++.
        left: first operand.
        right: second operand.
        active: the entries for which C++ would get here (see short-circuit of ``&&``).

    Raises:
        InputError: if C++ has no result in an active entry: an integer divided by zero, bits shifted too far.
        TypeError: if a bit operator or ``%`` is applied to a float.
    """
    if operator in ("<<", ">>"):
        return _shift(operator, _integer(operator, left), _integer(operator, right), active)
    kind = common_type(left, right)
    left, right = convert(left, kind), convert(right, kind)
    if operator in "&|^%":
        _integer(operator, left)
    if operator in "/%" and kind.kind in "iu":
        return _divide(operator, left, right, active)
    return _BINARY[operator](left, right)


def _integer(operator: str, value: Value) -> Value:
    if np.asarray(value).dtype.kind == "f":
        hint = "; for a power write pow(x, y)" if operator == "^" else ""
        msg = f"operator {operator} needs integers{hint}"
        raise TypeError(msg)
    return value


def _shift(operator: str, left: Value, right: Value, active: Value) -> Value:
    kind = common_type(left)
    fits = (np.asarray(right) >= 0) & (np.asarray(right) < 8 * kind.itemsize)
    if np.any(~fits & active):
        msg = f"{kind.name} {operator} with a number outside of 0 to {8 * kind.itemsize - 1}, which has no result in C++"
        raise InputError(msg)
    return _BINARY[operator](convert(left, kind), convert(np.where(fits, right, 0), kind))


def _divide(operator: str, left: Value, right: Value, active: Value) -> Value:
    zero = right == 0
    what = "division" if operator == "/" else "remainder"
    if np.any(zero & active):
        msg = f"integer {what} by zero; guard it, as in 'x != 0 && y / x > 2'"
        raise InputError(msg)
    if right.dtype.kind == "i" and np.any((right == -1) & (left == np.iinfo(left.dtype).min) & active):
        msg = f"integer {what} of the lowest {left.dtype.name} by -1, which has no result in C++"
        raise InputError(msg)
    right = np.where(zero, right.dtype.type(1), right)
    if operator == "%":
        return np.fmod(left, right)
    quotient = left // right
    inexact = quotient * right != left
    return quotient + (inexact & ((left < 0) != (right < 0))).astype(quotient.dtype)


_BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "<<": np.left_shift,
    ">>": np.right_shift,
}
