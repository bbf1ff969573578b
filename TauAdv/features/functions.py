"""The functions of feature expressions, computed on numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FUNCTIONS", "Array", "Function", "delta_phi"]

Array = NDArray[Any]


def delta_phi(first: Array, second: Array) -> Array:
    """Return first - second in radians, wrapped once into (-pi, pi], with pi and each step in the type of the inputs."""
    pi = first.dtype.type(np.pi)
    difference = first - second
    difference = np.where(difference > pi, difference - 2 * pi, difference)
    return np.where(difference <= -pi, difference + 2 * pi, difference)


def _normal(x: Array) -> Array:
    """Finite, not zero and not subnormal."""
    return np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny)


def _energy_over_pt(pt: Array, eta: Array, mass: Array) -> Array:
    """Energy over transverse momentum in float64; a negative mass counts as a negative mass squared (as in ROOT)."""
    pt64, eta64, mass64 = (np.asarray(x, np.float64) for x in (pt, eta, mass))
    momentum = pt64 * np.cosh(eta64)
    energy = np.sqrt(momentum * momentum + np.copysign(mass64 * mass64, mass64))
    return energy / pt64


def _quotient(x: Array, divisor: Array) -> Array:
    return (x - np.fmod(x, divisor)) // divisor


def _where(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(condition != 0, yes, no)


@dataclass(frozen=True)
class Function:
    """A function of the language: its number of arguments, what it computes, and whether it takes and gives integers."""

    arguments: int
    compute: Callable[..., Array]
    description: str
    integer: bool = False
    logical: bool = False


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, np.abs, "absolute value"),
    "sqrt": Function(1, np.sqrt, "square root"),
    "min": Function(2, np.minimum, "smaller of two"),
    "max": Function(2, np.maximum, "larger of two"),
    "finite": Function(1, np.isfinite, "neither NaN nor infinite", logical=True),
    "normal": Function(1, _normal, "finite, not zero, not subnormal", logical=True),
    "where": Function(3, _where, "second if the first holds, else third"),
    "delta_phi": Function(2, delta_phi, "difference of two angles, wrapped once into (-pi, pi]"),
    "energy_over_pt": Function(3, _energy_over_pt, "E/pt from pt, eta and mass, computed in float64"),
    "quotient": Function(2, _quotient, "integer division that truncates toward zero", integer=True),
    "remainder": Function(2, np.fmod, "remainder of that division (sign of the first number)", integer=True),
}
