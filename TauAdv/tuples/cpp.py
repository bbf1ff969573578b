"""Arithmetic on arrays with the types and conversions of C++, which decide the last float of a cut.

numpy promotes int32 with float32 to float64 and compares signed with unsigned integers by value; C++ does neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from TauAdv.errors import InputError

__all__ = ["FUNCTIONS", "Function", "binary", "common_type", "convert", "truth", "unary"]

Value = Any  # numpy array or scalar
_INT, _FLOAT, _DOUBLE = np.dtype(np.int32), np.dtype(np.float32), np.dtype(np.float64)


def _promoted(dtype: np.dtype) -> np.dtype:
    """Return the type after integer promotion: what is smaller than an int becomes one."""
    return _INT if dtype.kind in "biu" and dtype.itemsize < _INT.itemsize else dtype


def common_type(*values: Value) -> np.dtype:
    """Return the type in which C++ combines values: double, else float, else the larger integer (unsigned in a tie)."""
    types = [_promoted(np.asarray(value).dtype) for value in values]
    if _DOUBLE in types:
        return _DOUBLE
    if _FLOAT in types:
        return _FLOAT
    size = max(dtype.itemsize for dtype in types)
    unsigned = any(dtype.kind == "u" and dtype.itemsize == size for dtype in types)
    return np.dtype(f"{'u' if unsigned else 'i'}{size}")


def convert(value: Value, dtype: np.dtype) -> Value:
    """Convert as a C++ cast does (float to integer: towards zero)."""
    return np.asarray(value).astype(dtype, copy=False)


def truth(value: Value) -> Value:
    """Return which values are true: all but zero (NaN is true)."""
    return np.asarray(value) != 0


def unary(operator: str, value: Value) -> Value:
    """Apply ``+``, ``-``, ``~`` or ``!``.

    Raises:
        TypeError: if ``~`` is applied to a float.
    """
    if operator in ("!", "not"):
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
        InputError: if an integer is divided by zero in an active entry.
        TypeError: if a bit operator or ``%`` is applied to a float.
    """
    if operator in ("<<", ">>"):
        kind = common_type(_integer(operator, left))
        return _BINARY[operator](convert(left, kind), convert(_integer(operator, right), kind))
    kind = common_type(left, right)
    left, right = convert(left, kind), convert(right, kind)
    if operator in "&|^%":
        _integer(operator, left)
    if operator in "/%" and kind.kind in "iu":
        return _divide(operator, left, right, active)
    return _BINARY[operator](left, right)


def _integer(operator: str, value: Value) -> Value:
    if np.asarray(value).dtype.kind == "f":
        msg = f"operator {operator} needs integers"
        raise TypeError(msg)
    return value


def _divide(operator: str, left: Value, right: Value, active: Value) -> Value:
    zero = right == 0
    if np.any(zero & active):
        msg = f"integer {'division' if operator == '/' else 'remainder'} by zero; guard it, as in 'x != 0 && y / x > 2'"
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


@dataclass(frozen=True)
class Function:
    """A function of selections: what it computes and how many arguments it takes."""

    compute: Callable[..., Value]
    arguments: int = 1


def _floating(function: Callable[..., Value]) -> Callable[..., Value]:
    """Return ``function`` with the overloads of <cmath>: float stays float (rounded once from double), else double."""

    def compute(*values: Value) -> Value:
        kind = _FLOAT if all(np.asarray(value).dtype == _FLOAT for value in values) else _DOUBLE
        return convert(function(*(convert(value, _DOUBLE) for value in values)), kind)

    return compute


def _absolute(value: Value) -> Value:
    return np.abs(convert(value, common_type(value)))


def _minimum(left: Value, right: Value) -> Value:
    kind = common_type(left, right)
    left, right = convert(left, kind), convert(right, kind)
    return np.where(right < left, right, left)


def _maximum(left: Value, right: Value) -> Value:
    kind = common_type(left, right)
    left, right = convert(left, kind), convert(right, kind)
    return np.where(left < right, right, left)


def _round(value: Value) -> Value:
    return np.copysign(np.floor(np.abs(value) + 0.5), value)  # halves away from zero, as in C


def _cast(dtype: Any) -> Function:
    return Function(lambda value: convert(value, np.dtype(dtype)))


_CMATH = {
    **{
        name: Function(_floating(getattr(np, name)))
        for name in ("sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log2")
    },
    **{name: Function(_floating(getattr(np, name))) for name in ("log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: Function(_floating(getattr(np, name))) for name in ("floor", "ceil", "trunc")},
    **{f"a{name}": Function(_floating(getattr(np, f"arc{name}"))) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: Function(getattr(np, name)) for name in ("isnan", "isinf", "isfinite")},
    "fabs": Function(_floating(np.abs)),
    "round": Function(_floating(_round)),
    "atan2": Function(_floating(np.arctan2), 2),
    "hypot": Function(_floating(np.hypot), 2),
    "pow": Function(_floating(np.power), 2),
    "fmod": Function(_floating(np.fmod), 2),
    "abs": Function(_absolute),
    "min": Function(_minimum, 2),
    "max": Function(_maximum, 2),
}

#: Functions by name; those of <cmath> and <algorithm> with and without ``std::``.
FUNCTIONS: dict[str, Function] = {
    **_CMATH,
    **{f"std::{name}": function for name, function in _CMATH.items()},
    "TMath::Abs": _CMATH["abs"],
    "TMath::Min": _CMATH["min"],
    "TMath::Max": _CMATH["max"],
    "TMath::Sqrt": _CMATH["sqrt"],
    "TMath::Exp": _CMATH["exp"],
    "TMath::Log": _CMATH["log"],
    "TMath::Power": _CMATH["pow"],
    "TMath::Hypot": _CMATH["hypot"],
    "TMath::Pi": Function(lambda: np.float64(np.pi), 0),
    "bool": Function(truth),
    "int": _cast(np.int32),
    "float": _cast(np.float32),
    "double": _cast(np.float64),
}
