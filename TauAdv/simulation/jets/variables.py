"""The quantities of the Jet Flavor dataset: 17 of the jet, 28 of each track (arXiv:1607.08633)."""

from __future__ import annotations

import numpy as np
from scipy.special import erfc, gammaln

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.jets.clusters import JetTracks
from TauAdv.simulation.jets.vertices import JetVertices, energy_fraction, find_vertices, group_mass, primary_weights

__all__ = ["jet_probability", "jet_quantities", "track_probability"]

_D0_THRESHOLD = 1.8
_LOWER_TRIANGLE = np.tril_indices(5)
#: Resolution function of tracks from the primary vertex (ATLAS-CONF-2010-091): two Gaussians (size, width) and two
#: exponentials exp(-constant - slope x).
_GAUSSIANS = ((0.32, 0.56), (0.19, 0.89))
_EXPONENTIALS = ((3.09, 0.81), (6.07, 0.23))


def track_probability(significance: np.ndarray) -> np.ndarray:
    """Return the probability of a primary track to have a |d0| significance of this or more."""
    total = sum(np.sqrt(np.pi) / 2 * size * width * erfc(significance / (np.sqrt(2) * width)) for size, width in _GAUSSIANS)
    total = total + sum(np.exp(-constant - slope * significance) / slope for constant, slope in _EXPONENTIALS)
    return np.minimum(total, 1.0)


def jet_probability(significance: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return P sum_k (-ln P)^k / k! of each jet [n], P the product of its track probabilities; arrays [n, k]."""
    logarithm = np.where(valid, np.log(track_probability(np.abs(significance))), 0.0).sum(axis=1)
    number = np.arange(valid.shape[1])
    terms = logarithm[:, None] + number * np.log(np.maximum(-logarithm, 1e-12))[:, None] - gammaln(number + 1)
    return np.where(number < valid.sum(axis=1)[:, None], np.exp(terms), 0.0).sum(axis=1)


def _ranked(values: np.ndarray, order: np.ndarray, rank: int, counts: np.ndarray) -> np.ndarray:
    """Return ``values`` of the track of this rank (0: first); -inf where there are not so many tracks."""
    if values.shape[1] <= rank:
        return np.full(len(values), -np.inf)
    return np.where(counts > rank, np.take_along_axis(values, order, axis=1)[:, rank], -np.inf)


def _tracking(tracks: JetTracks) -> list[np.ndarray]:
    """Return the eight tracking quantities; significances are unsigned, of the tracks with the second and third |d0|."""
    perigee, errors = tracks["perigee"], np.sqrt(np.einsum("nkii->nki", tracks["covariance"]))
    d0, z0 = (np.abs(perigee[..., i] / errors[..., i]) for i in (0, 1))
    order = np.argsort(np.where(tracks.valid, -np.abs(perigee[..., 0]), np.inf), axis=1, kind="stable")
    pt = np.maximum(tracks.total(tracks["pt"], tracks.valid), 1e-9)
    widths = [np.sqrt(tracks.total(tracks["pt"] * tracks[name] ** 2, tracks.valid) / pt) for name in ("deta", "dphi")]
    return [
        *(_ranked(values, order, rank, tracks.counts) for values in (d0, z0) for rank in (1, 2)),
        (tracks.valid & (d0 > _D0_THRESHOLD)).sum(axis=1),
        jet_probability(d0, tracks.valid),
        *widths,
    ]


def _vertexing(inclusive: JetVertices, single: list[JetVertices]) -> list[np.ndarray]:
    """Return the six vertex quantities, absent values where there is no vertex."""
    found = inclusive.found
    number = np.maximum(np.sum([vertex.found for vertex in single], axis=0), 1)
    return [
        np.where(found, inclusive.significance, -1),
        np.where(found, number, -1),
        np.where(found, inclusive.members.sum(axis=1), -1),
        np.where(found, np.hypot(inclusive.deta, inclusive.dphi), np.inf),
        np.where(found, inclusive.mass, -1),
        np.where(found, inclusive.energy_fraction, -np.inf),
    ]


def _track_quantities(tracks: JetTracks, jets: Columns, weights: np.ndarray, single: list[JetVertices]) -> np.ndarray:
    """Return [jets, k, 28]: perigee relative to the jet, covariance, weight, and the vertex of the track."""
    table = np.empty((*tracks.valid.shape, 28))
    table[..., :5] = tracks["perigee"]
    table[..., 2] = tracks["dphi"]
    table[..., 3] -= 2 * np.arctan(np.exp(-jets["eta"]))[:, None]
    table[..., 5:20] = tracks["covariance"][..., _LOWER_TRIANGLE[0], _LOWER_TRIANGLE[1]]
    table[..., 20] = weights
    primary = weights >= 0.5
    vertex = [group_mass(tracks, primary), 0.0, np.nan, np.nan, 0.0, primary.sum(axis=1), energy_fraction(tracks, primary)]
    for number, values in enumerate(vertex, 21):
        table[..., number] = np.asarray(values).reshape(-1, 1)
    for found in single:
        members = found.members
        values = (
            found.mass,
            found.length,
            found.deta,
            found.dphi,
            found.significance,
            members.sum(axis=1),
            found.energy_fraction,
        )
        for number, value in enumerate(values, 21):
            table[..., number] = np.where(members, value[:, None], table[..., number])
        table[..., 20] = np.where(members, found.weights, table[..., 20])
    return table


def jet_quantities(jets: Columns, tracks: JetTracks) -> Columns:
    """Return what the dataset holds of each jet: ``jet`` [n, 17], ``track`` [sum of n_tracks, 28], ``n_tracks`` [n].

    Tracks are by decreasing signed d0 / error. Absent values are NaN, inf, -inf and -1 as in the dataset.
    """
    weights = primary_weights(tracks)
    inclusive, single = find_vertices(tracks, jets, tracks.valid & (weights < 0.5))
    heads = [jets["pt"], jets["eta"], jets["flavour"], *_tracking(tracks), *_vertexing(inclusive, single)]
    table = _track_quantities(tracks, jets, weights, single)
    significance = np.where(tracks.valid, table[..., 0] / np.sqrt(table[..., 5]), -np.inf)
    order = np.argsort(-significance, axis=1, kind="stable")
    table = np.take_along_axis(table, order[..., None], axis=1)
    valid = np.take_along_axis(tracks.valid, order, axis=1)
    return {"jet": np.stack(heads, axis=-1).astype(np.float64), "track": table[valid], "n_tracks": tracks.counts}
