"""The functions of selections: <cmath> and <algorithm> with and without ``std::``, and the simple ones of ROOT's TMath."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from TauAdv.tuples.language.cpp import Value, cast, common_type, convert
from TauAdv.tuples.language.types import DOUBLE, FLOAT, INT

__all__ = ["FUNCTIONS", "Function"]


@dataclass(frozen=True)
class Function:
    """A function of selections.

    Attributes:
        compute: returns the values for those of the arguments; gets ``active`` last if ``partial``.
        arguments: how many it takes.
        partial: has no result for some numbers, which is an error in the entries that C++ would get to.
    """

    compute: Callable[..., Value]
    arguments: int = 1
    partial: bool = False

    def __call__(self, values: tuple[Value, ...], active: Value) -> Value:
        """Return the values; ``active`` are the entries for which C++ would get here."""
        return self.compute(*values, active) if self.partial else self.compute(*values)


def _floating(function: Callable[..., Any], arguments: int = 1) -> Function:
    """Return ``function`` with the overloads of <cmath>: float stays float (rounded once from double), else double."""

    def compute(*values: Value) -> Value:
        kind = FLOAT if all(np.asarray(value).dtype == FLOAT for value in values) else DOUBLE
        return convert(function(*(convert(value, DOUBLE) for value in values)), kind)

    return Function(compute, arguments)


def _double(function: Callable[..., Any], arguments: int = 1) -> Function:
    """Return ``function`` as TMath has it: double for arguments of any type."""
    return Function(lambda *values: function(*(convert(value, DOUBLE) for value in values)), arguments)


def _constant(value: float) -> Function:
    return Function(lambda: np.float64(value), 0)


def _absolute(value: Value) -> Value:
    return np.abs(convert(value, common_type(value)))


def _chosen(takes_left: Callable[[Value, Value], Value]) -> Function:
    def compute(left: Value, right: Value) -> Value:
        kind = common_type(left, right)
        left, right = convert(left, kind), convert(right, kind)
        return np.where(takes_left(left, right), left, right)

    return Function(compute, 2)


def _round(value: Value) -> Value:
    """Return the nearest whole number, halves away from zero, as in C."""
    size = np.abs(value)
    whole = np.trunc(size)
    return np.copysign(whole + (size - whole >= 0.5), value)


def _nearest_integer(value: Value, active: Value) -> Value:
    """Return the nearest int, halves to the even one (ROOT, TMath::Nint)."""
    value = np.asarray(value)
    number = value if value.dtype.kind == "f" else convert(value, DOUBLE)
    return cast(np.rint(number), INT, active)


def _odd(value: Value, active: Value) -> Value:
    return (cast(value, np.dtype(np.int64), active) & 1) != 0


def _angle(y: Value, x: Value) -> Value:
    """Return the angle of (x, y), 0 at the origin whatever the signs of the zeros (ROOT, TMath::ATan2)."""
    on_axis = np.where(y == 0, 0.0, np.where(y > 0, np.pi / 2, -np.pi / 2))
    return np.where(x != 0, np.arctan2(y, x), on_axis)


def _clipped(function: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """Return arcsine or arccosine that takes what is outside of -1 to 1 for the nearer end (ROOT, TMath::ASin and ACos)."""
    return lambda value: function(np.clip(value, -1.0, 1.0))


_TRIGONOMETRY = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_CMATH = {
    **{name: _floating(getattr(np, name)) for name in ("sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log2")},
    **{name: _floating(getattr(np, name)) for name in ("log1p", "floor", "ceil", "trunc", *_TRIGONOMETRY)},
    **{f"a{name}": _floating(getattr(np, f"arc{name}")) for name in _TRIGONOMETRY},
    **{name: Function(getattr(np, name)) for name in ("isnan", "isinf", "isfinite")},
    "fabs": _floating(np.abs),
    "round": _floating(_round),
    "atan2": _floating(np.arctan2, 2),
    "hypot": _floating(np.hypot, 2),
    "pow": _floating(np.power, 2),
    "fmod": _floating(np.fmod, 2),
    "fmin": _floating(np.fmin, 2),
    "fmax": _floating(np.fmax, 2),
    "abs": Function(_absolute),
    # of NaN and a number the first is taken
    "min": _chosen(lambda left, right: ~(right < left)),
    "max": _chosen(lambda left, right: ~(left < right)),
}
_TMATH = {
    "Abs": Function(_absolute),
    # of NaN and a number the second is taken
    "Min": _chosen(lambda left, right: left <= right),
    "Max": _chosen(lambda left, right: left >= right),
    **{name: _double(getattr(np, name.lower())) for name in ("Sqrt", "Exp", "Log", "Log2", "Log10", "Sin", "Cos", "Tan")},
    **{f"{name}H": _double(getattr(np, f"{name.lower()}h")) for name in ("Sin", "Cos", "Tan")},
    **{f"A{name}H": _double(getattr(np, f"arc{name.lower()}h")) for name in ("Sin", "Cos", "Tan")},
    "ASin": _double(_clipped(np.arcsin)),
    "ACos": _double(_clipped(np.arccos)),
    "ATan": _double(np.arctan),
    "ATan2": _double(_angle, 2),
    "Power": _double(np.power, 2),
    "Hypot": _double(np.hypot, 2),
    "Sq": _double(np.square),
    "Floor": _double(np.floor),
    "Ceil": _double(np.ceil),
    "Nint": Function(_nearest_integer, partial=True),
    "FloorNint": Function(lambda value, active: cast(np.floor(convert(value, DOUBLE)), INT, active), partial=True),
    "CeilNint": Function(lambda value, active: cast(np.ceil(convert(value, DOUBLE)), INT, active), partial=True),
    "Odd": Function(_odd, partial=True),
    "Even": Function(lambda value, active: ~_odd(value, active), partial=True),
    "IsNaN": Function(np.isnan),
    "Finite": Function(np.isfinite),
    "Pi": _constant(np.pi),
    "TwoPi": _constant(2 * np.pi),
    "PiOver2": _constant(np.pi / 2),
    "PiOver4": _constant(np.pi / 4),
    "RadToDeg": _constant(180 / np.pi),
    "DegToRad": _constant(np.pi / 180),
    "E": _constant(np.e),
}

#: Functions by name.
FUNCTIONS: dict[str, Function] = {
    **_CMATH,
    **{f"std::{name}": function for name, function in _CMATH.items()},
    **{f"TMath::{name}": function for name, function in _TMATH.items()},
}
