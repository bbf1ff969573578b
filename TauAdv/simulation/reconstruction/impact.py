"""Impact parameters and decay vertices of tau candidates (cm)."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import four_vector
from TauAdv.simulation.reconstruction.cones import Cones
from TauAdv.simulation.reconstruction.vertexing import fit_vertices, flight_significance, gottfried_jackson_difference

__all__ = ["PV_ERRORS", "impact_columns", "vertex_columns"]

PV_ERRORS = (15e-4, 15e-4, 20e-4)
_NO_FLIGHT_SIGNIFICANCE = -9.9
_TRACK_COLUMNS = ("phi", "eta", "dxy", "dz", "dxy_error", "dz_error")


def impact_columns(cones: Cones, rng: np.random.Generator) -> Columns:
    """Return dxy, ip3d and dz of the leading track to the primary vertex with their errors; its chi2/ndof is sampled."""
    dxy, dz, dxy_error, dz_error = (cones.of_lead(name) for name in ("dxy", "dz", "dxy_error", "dz_error"))
    cosh = np.cosh(cones.of_lead("eta"))
    distance = np.hypot(dxy, dz / cosh)
    across = np.where(distance > 0, dxy**2 / np.maximum(distance, 1e-9) ** 2, 1.0)
    return {
        "tau_dxy": dxy,
        "tau_dxy_error": dxy_error,
        "tau_dz": dz,
        "tau_dz_error": dz_error,
        "tau_ip3d": np.copysign(distance, dxy),
        "tau_ip3d_error": np.sqrt(across * dxy_error**2 + (1 - across) * (dz_error / cosh) ** 2),
        "tau_leadingTrackNormChi2": rng.gamma(6.0, 1 / 6.0, len(dxy)) * np.where(rng.random(len(dxy)) < 0.03, 3.0, 1.0),
    }


def vertex_columns(taus: Columns, cones: Cones, events: Columns) -> Columns:
    """Return the fitted decay vertex of 3-prong candidates; no vertex: flight length 0, significance -9.9, angle -1.

    Args:
        taus: tau candidates.
        cones: candidates around them.
        events: pv_x, pv_y, pv_z of the event of each tau.
    """
    rows, taus_total = np.flatnonzero(taus["decay_mode"] >= 10), len(taus["pt"])
    tracks = (cones.signal & cones.charged)[rows]
    slots = np.argsort(~tracks, axis=1, kind="stable")[:, :3]
    used = np.take_along_axis(tracks, slots, axis=1)
    columns = {name: np.take_along_axis(cones[name][rows], slots, axis=1).astype(np.float64) for name in _TRACK_COLUMNS}
    fit = fit_vertices(columns, used)
    momentum = four_vector(taus["pt"], taus["eta"], taus["phi"], taus["mass"])[rows, :3]
    along = (momentum * fit.position).sum(axis=1)
    significance, angle = np.full(taus_total, _NO_FLIGHT_SIGNIFICANCE), np.full(taus_total, -1.0)
    significance[rows] = np.copysign(flight_significance(fit, PV_ERRORS), along)
    angle[rows] = gottfried_jackson_difference(momentum, taus["mass"][rows], fit.position)
    flight = np.zeros((taus_total, 3))
    flight[rows] = fit.position
    has_vertex = np.zeros(taus_total, dtype=np.int32)
    has_vertex[rows] = 1
    table = {"tau_hasSecondaryVertex": has_vertex, "tau_flightLength_sig": significance, "tau_gj_angle_diff": angle}
    for axis, name in enumerate("xyz"):
        table[f"tau_flightLength_{name}"] = flight[:, axis]
        table[f"tau_sv_{name}"] = np.where(has_vertex, events[f"pv_{name}"] + flight[:, axis], 0.0)
    return table
