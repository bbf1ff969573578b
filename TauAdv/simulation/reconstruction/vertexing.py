"""Adaptive fit of a common vertex to a few tracks, in closed form for straight tracks (lengths in one unit, here cm).

Track i measures dxy_i = -x sin(phi_i) + y cos(phi_i) and dz_i = z - (x cos(phi_i) + y sin(phi_i)) sinh(eta_i). Weights
1 / (1 + exp((chi2 - cut) / 2T)) with T = 256, 64, 16, 4, 1 leave outliers out (R. Fruehwirth, W. Waltenberger, P. Vanlaer,
J. Phys. G 34 (2007) N343).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.columns import Columns

__all__ = ["VertexFit", "fit_vertices", "flight_significance", "gottfried_jackson_difference"]

_TEMPERATURES = (256.0, 64.0, 16.0, 4.0, 1.0, 1.0)
_CHI2_CUT = 9.0
_TAU_MASS = 1.77693
_PRIOR_WIDTH = 5.0


@dataclass(frozen=True)
class VertexFit:
    """Vertices: ``position`` [n, 3], ``covariance`` [n, 3, 3], ``chi2`` [n], ``weights`` [n, tracks] in (0, 1)."""

    position: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    weights: np.ndarray


def fit_vertices(
    tracks: Columns, used: np.ndarray, *, chi2_cut: float = _CHI2_CUT, prior_width: float = _PRIOR_WIDTH
) -> VertexFit:
    """Return the vertex of each group of tracks.

    Args:
        tracks: phi, eta, dxy, dz, dxy_error, dz_error, each [n, tracks]; dxy and dz to a common reference point.
        used: [n, tracks], which entries are tracks.
        chi2_cut: a track of this chi2 has weight 1/2.
        prior_width: of a Gaussian around the reference point, in the tracks' unit of length.
    """
    sin, cos, slope = np.sin(tracks["phi"]), np.cos(tracks["phi"]), np.sinh(tracks["eta"])
    zero = np.zeros_like(sin)
    derivatives = np.stack([np.stack([-sin, cos, zero], -1), np.stack([-slope * cos, -slope * sin, zero + 1], -1)], axis=2)
    measured = np.stack([tracks["dxy"], tracks["dz"]], axis=-1)
    errors = np.stack([tracks["dxy_error"], tracks["dz_error"]], axis=-1)
    inverse = np.where(used[..., None], 1 / np.where(used[..., None], errors, 1.0) ** 2, 0.0)
    prior = np.eye(3) / prior_width**2  # keeps parallel tracks solvable
    weights = used.astype(np.float64)
    for temperature in _TEMPERATURES:
        precision = inverse * weights[..., None]
        information = np.einsum("ntm,ntmi,ntmj->nij", precision, derivatives, derivatives) + prior
        covariance = np.linalg.inv(information)
        position = np.einsum("nij,ntm,ntmj->ni", covariance, precision * measured, derivatives)
        residuals = measured - np.einsum("ntmi,ni->ntm", derivatives, position)
        chi2 = (residuals**2 * inverse).sum(axis=-1)
        exponent = np.clip((chi2 - chi2_cut) / (2 * temperature), -50, 50)
        weights = np.where(used, 1 / (1 + np.exp(exponent)), 0.0)
    return VertexFit(position, covariance, (chi2 * weights).sum(axis=-1), weights)


def flight_significance(fit: VertexFit, reference_errors: tuple[float, float, float]) -> np.ndarray:
    """Return the flight length over its error; the reference point has the given errors."""
    length = np.linalg.norm(fit.position, axis=-1)
    direction = fit.position / np.maximum(length, 1e-9)[:, None]
    covariance = fit.covariance + np.diag(np.square(reference_errors))
    variance = np.einsum("ni,nij,nj->n", direction, covariance, direction)
    return length / np.sqrt(np.maximum(variance, 1e-12))


def gottfried_jackson_difference(momentum: np.ndarray, mass: np.ndarray, flight: np.ndarray) -> np.ndarray:
    """Return the angle between flight and visible momentum minus the largest one that a tau decay allows.

    Args:
        momentum: [n, 3] of the visible decay products.
        mass: visible mass.
        flight: [n, 3].

    Returns:
        Radians; -1 for a visible mass above the tau's.
    """
    size = np.linalg.norm(momentum, axis=-1)
    cosine = (momentum * flight).sum(axis=-1) / np.maximum(size * np.linalg.norm(flight, axis=-1), 1e-12)
    largest = np.arcsin(np.clip((_TAU_MASS**2 - mass**2) / (2 * _TAU_MASS * np.maximum(size, 1e-9)), 0, 1))
    return np.where(mass < _TAU_MASS, np.arccos(np.clip(cosine, -1, 1)) - largest, -1.0)
