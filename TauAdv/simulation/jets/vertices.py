"""Primary and secondary vertices of jets: adaptive fits, one vertex after the other from the tracks that are left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import delta_phi
from TauAdv.simulation.jets.clusters import JetTracks
from TauAdv.simulation.reconstruction.vertexing import fit_vertices

__all__ = ["JetVertices", "find_vertices", "fit_secondary", "primary_weights"]

#: The primary vertex is held at the origin by the beam spot: its errors across and along the beam (mm), and the chi2 cut.
_PRIMARY_ERRORS, _PRIMARY_CUT = (0.010, 0.030), 9.0
_PRIOR_WIDTH = 1e3
_MOST_VERTICES = 3
_CHI2_CUT = {"all tracks": 9.0, "one by one": 1.0}


@dataclass(frozen=True)
class JetVertices:
    """One vertex per jet (arrays [jets]); arbitrary where ``found`` is False.

    Attributes:
        found: two tracks or more of weight above one half.
        members: [jets, k], which tracks; weights: [jets, k], their weights.
        length, significance: of the distance from the primary vertex (mm).
        mass, energy_fraction: of the tracks (GeV; of the energy of all tracks of the jet).
        deta, dphi: direction of flight relative to the jet axis.
    """

    found: np.ndarray
    members: np.ndarray
    weights: np.ndarray
    length: np.ndarray
    significance: np.ndarray
    mass: np.ndarray
    energy_fraction: np.ndarray
    deta: np.ndarray
    dphi: np.ndarray


def primary_weights(tracks: JetTracks) -> np.ndarray:
    """Return the weight of each track in the primary vertex [jets, k], 0 where there is no track."""
    errors = np.sqrt(np.stack([tracks["covariance"][..., i, i] for i in (0, 1)], axis=-1))
    chi2 = (np.square(tracks["perigee"][..., :2]) / (errors**2 + np.square(_PRIMARY_ERRORS))).sum(axis=-1)
    exponent = np.clip((chi2 - _PRIMARY_CUT) / 2, -50, 50)
    return np.where(tracks.valid, 1 / (1 + np.exp(exponent)), 0.0)


def group_mass(tracks: JetTracks, members: np.ndarray) -> np.ndarray:
    """Return the mass of the members of each jet, pions assumed."""
    energy, momentum = tracks.total(tracks["energy"], members), tracks.total(tracks["momentum"], members)
    return np.sqrt(np.maximum(energy**2 - (momentum**2).sum(axis=-1), 0.0))


def energy_fraction(tracks: JetTracks, members: np.ndarray) -> np.ndarray:
    """Return the energy of the members over that of all tracks."""
    return tracks.total(tracks["energy"], members) / np.maximum(tracks.total(tracks["energy"], tracks.valid), 1e-9)


def _fit(tracks: JetTracks, used: np.ndarray, chi2_cut: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return position, covariance and weights of the vertex of the used tracks; only jets with two of them are fitted."""
    rows = np.flatnonzero(used.sum(axis=1) >= 2)
    position, covariance = np.zeros((len(used), 3)), np.tile(np.eye(3), (len(used), 1, 1))
    weights = np.zeros(used.shape)
    most = int(used[rows].sum(axis=1).max(initial=2))
    slots = np.argsort(~used[rows], axis=1, kind="stable")[:, :most]
    taken = np.take_along_axis(used[rows], slots, axis=1)
    values = (tracks["phi"], tracks["eta"], *(tracks["perigee"][..., i] for i in (0, 1)))
    values += tuple(np.sqrt(tracks["covariance"][..., i, i]) for i in (0, 1))
    names = ("phi", "eta", "dxy", "dz", "dxy_error", "dz_error")
    columns = {name: np.take_along_axis(value[rows], slots, axis=1) for name, value in zip(names, values, strict=True)}
    fit = fit_vertices(columns, taken, chi2_cut=chi2_cut, prior_width=_PRIOR_WIDTH)
    position[rows], covariance[rows] = fit.position, fit.covariance
    weights[rows[:, None], slots] = fit.weights
    return position, covariance, weights


def fit_secondary(tracks: JetTracks, jets: Columns, used: np.ndarray, chi2_cut: float) -> JetVertices:
    """Return the vertex of the used tracks [jets, k] of each jet."""
    position, covariance, weights = _fit(tracks, used, chi2_cut)
    members = used & (weights > 0.5)
    found = members.sum(axis=1) >= 2
    members &= found[:, None]
    length = np.linalg.norm(position, axis=1)
    direction = position / np.maximum(length, 1e-9)[:, None]
    variance = np.einsum("ni,nij,nj->n", direction, covariance, direction)
    across = np.maximum(np.hypot(position[:, 0], position[:, 1]), 1e-9)
    return JetVertices(
        found=found,
        members=members,
        weights=weights,
        length=length,
        significance=length / np.sqrt(np.maximum(variance, 1e-12)),
        mass=group_mass(tracks, members),
        energy_fraction=energy_fraction(tracks, members),
        deta=np.arcsinh(position[:, 2] / across) - jets["eta"],
        dphi=delta_phi(np.arctan2(position[:, 1], position[:, 0]), jets["phi"]),
    )


def find_vertices(tracks: JetTracks, jets: Columns, secondary: np.ndarray) -> tuple[JetVertices, list[JetVertices]]:
    """Return the vertex of all secondary tracks of each jet, and up to three vertices found one after the other.

    Args:
        tracks: of the jets.
        jets: eta and phi of their axes.
        secondary: [jets, k], tracks that are not of the primary vertex.
    """
    inclusive = fit_secondary(tracks, jets, secondary, _CHI2_CUT["all tracks"])
    single, left = [], secondary.copy()
    for _ in range(_MOST_VERTICES):
        vertex = fit_secondary(tracks, jets, left, _CHI2_CUT["one by one"])
        single.append(vertex)
        left &= ~vertex.members
    return inclusive, single
