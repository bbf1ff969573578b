"""The detector as jets see it: calorimeter and tracker candidates to cluster, and tracks with perigee parameters."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns, take
from TauAdv.simulation.detector.calorimeter import energy_depositions, neutral_hadron_candidates, photon_candidates
from TauAdv.simulation.detector.response import particle_kinematics
from TauAdv.simulation.detector.tracking import measure_tracks, reconstructed
from TauAdv.simulation.geometry import four_vector
from TauAdv.simulation.jets.perigee import measure_perigee
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["respond_for_jets"]

_MIN_TRACK_PT, _MAX_D0 = 1.0, 8.0
_MIN_CANDIDATE_PT, _MAX_CANDIDATE_ETA = 0.3, 3.0
_PION_MASS = 0.13957


def respond_for_jets(particles: Columns, settings: DetectorSettings, rng: np.random.Generator) -> tuple[Columns, Columns]:
    """Return candidates (event, p4 [n, 4]) and tracks (event, pt, eta, phi, perigee [n, 5], covariance [n, 5, 5]) by event.

    Args:
        particles: first table of :func:`TauAdv.simulation.truth.reduce_record`.
        settings: response; pile-up is not simulated.
        rng: source of all random numbers.
    """
    truth = particle_kinematics(particles)
    tracked, charged = reconstructed(truth, settings, rng)
    measured = measure_tracks(take(truth, tracked), settings, rng)
    tracks = _tracks(take(truth, tracked), measured["charge"], settings, rng)
    deposits, radiated = energy_depositions(measured, settings, rng)
    untracked = charged & ~tracked
    neutral = [
        photon_candidates(truth, untracked, radiated, settings, rng),
        neutral_hadron_candidates(truth, untracked, settings, rng),
    ]
    return _candidates([measured | deposits, *neutral]), tracks


def _candidates(tables: list[Columns]) -> Columns:
    """Return the four-vectors of tracks, photons and neutral hadrons, ordered by event."""
    masses = (_PION_MASS, 0.0, 0.4976)
    names = ("event", "pt", "eta", "phi")
    joined = {name: np.concatenate([table[name] for table in tables]) for name in names}
    mass = np.repeat(masses, [len(table["pt"]) for table in tables])
    seen = (np.abs(joined["eta"]) < _MAX_CANDIDATE_ETA) & (joined["pt"] > _MIN_CANDIDATE_PT)
    order = np.flatnonzero(seen)[np.argsort(joined["event"][seen], kind="stable")]
    p4 = four_vector(joined["pt"], joined["eta"], joined["phi"], mass)
    return {"event": joined["event"][order], "p4": p4[order]}


def _tracks(truth: Columns, charge: np.ndarray, settings: DetectorSettings, rng: np.random.Generator) -> Columns:
    """Return the tracks of pt > 1 GeV and |d0| < 8 mm."""
    perigee, covariance = measure_perigee(truth, charge, settings, rng)
    eta = -np.log(np.tan(perigee[:, 3] / 2))
    pt = 1 / np.maximum(np.abs(perigee[:, 4]), 1e-6) / np.cosh(eta)
    kept = (pt > _MIN_TRACK_PT) & (np.abs(perigee[:, 0]) < _MAX_D0)
    table = {
        "event": truth["event"],
        "pt": pt,
        "eta": eta,
        "phi": perigee[:, 2],
        "perigee": perigee,
        "covariance": covariance,
    }
    return take(table, kept)
