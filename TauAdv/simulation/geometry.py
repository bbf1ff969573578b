"""Four-vectors as arrays ``[..., 4]`` = (px, py, pz, E) in GeV, angles in radians, and search in cones."""

from __future__ import annotations

import itertools

import numpy as np

from TauAdv.simulation.columns import Columns, ragged_rows

__all__ = ["Axes", "delta_phi", "delta_r", "four_vector", "kinematics", "nearest_object", "neighbours"]


def delta_phi(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``first - second`` wrapped into [-pi, pi]."""
    difference = first - second
    return difference - 2 * np.pi * np.rint(difference / (2 * np.pi))  # several times faster than np.mod


def delta_r(eta1: np.ndarray, phi1: np.ndarray, eta2: np.ndarray, phi2: np.ndarray) -> np.ndarray:
    """Return the distance in the (eta, phi) plane."""
    return np.hypot(eta1 - eta2, delta_phi(phi1, phi2))


def four_vector(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray, mass: np.ndarray | float) -> np.ndarray:
    """Return (px, py, pz, E) on a new last axis."""
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.stack([px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + np.square(mass))], axis=-1)


def kinematics(p4: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pt, eta, phi and mass (a negative mass squared gives 0; a zero vector has eta 0)."""
    px, py, pz, energy = (p4[..., i] for i in range(4))
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return pt, eta, np.arctan2(py, px), mass


Axes = tuple[np.ndarray, np.ndarray, np.ndarray]
_PAIRS_AT_ONCE = 1 << 15


def _pairs(objects: Columns, axes: Axes, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return axis, row and squared distance of all pairs of one event within the radius, in the order of axes and rows."""
    axis_event = axes[0]
    first = np.searchsorted(objects["event"], axis_event)
    counts = np.searchsorted(objects["event"], axis_event, side="right") - first
    parts = [
        _pairs_of(objects, axes, radius, np.arange(start, stop), first[start:stop], counts[start:stop])
        for start, stop in _blocks(counts)
    ]
    axis, row, distance2 = (np.concatenate(values) for values in zip(*parts, strict=True))
    return axis, row, distance2


def _blocks(counts: np.ndarray) -> list[tuple[int, int]]:
    """Return ranges of axes with few enough pairs to stay in the processor's cache; at least one."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    inner = np.unique(np.searchsorted(ends, np.arange(_PAIRS_AT_ONCE, total, _PAIRS_AT_ONCE)) + 1)
    edges = [0, *inner[inner < len(counts)].tolist(), len(counts)]
    return list(itertools.pairwise(edges))


def _pairs_of(
    objects: Columns, axes: Axes, radius: float, axes_here: np.ndarray, first: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, axis_eta, axis_phi = axes
    axis, row = np.repeat(axes_here, counts), ragged_rows(first, counts)
    distance = objects["eta"][row] - axis_eta[axis]
    near = np.abs(distance) < radius
    axis, row, distance = axis[near], row[near], distance[near]
    distance2 = distance**2 + delta_phi(objects["phi"][row], axis_phi[axis]) ** 2
    inside = distance2 < radius**2
    return axis[inside], row[inside], distance2[inside]


def _fill(axis: np.ndarray, row: np.ndarray, num_axes: int, most: int) -> np.ndarray:
    slot = np.arange(len(axis)) - np.searchsorted(axis, axis)
    kept = slot < most
    table = np.full((num_axes, most), -1, dtype=np.int64)
    table[axis[kept], slot[kept]] = row[kept]
    return table


def neighbours(objects: Columns, axes: Axes, radius: float, most: int) -> np.ndarray:
    """Return the objects around each axis, highest pt first.

    Args:
        objects: columns event (ascending), eta, phi, pt.
        axes: event, eta and phi of the axes.
        radius: of the cone.
        most: objects kept per axis.

    Returns:
        Integer array [axes, most] of object rows, padded with -1.
    """
    axis, row, _ = _pairs(objects, axes, radius)
    order = np.lexsort((-objects["pt"][row], axis))
    return _fill(axis[order], row[order], len(axes[0]), most)


def nearest_object(objects: Columns, axes: Axes, radius: float) -> np.ndarray:
    """Return the row of the nearest object (event, eta, phi) within the radius of each axis, -1 where there is none."""
    axis, row, distance2 = _pairs(objects, axes, radius)
    order = np.lexsort((distance2, axis))
    return _fill(axis[order], row[order], len(axes[0]), 1)[:, 0]
