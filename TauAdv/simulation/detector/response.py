"""Parametrised response: stable particles become particle-flow candidates (lengths in cm, energies in GeV).

Values are those of the public CMS card of Delphes and of docs/simulation.md; what is our
own choice is said where it stands. Track parameters are those of straight lines where they are closest to the beam.
"""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns, concatenate, num_rows, take
from TauAdv.simulation.detector.calorimeter import energy_depositions, neutral_hadron_candidates, photon_candidates
from TauAdv.simulation.detector.tracking import in_muon_crack, measure_tracks, reconstructed
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["CANDIDATE_COLUMNS", "ParticleType", "particle_kinematics", "respond"]


class ParticleType:
    """Values of ``pfCand_particleType``."""

    CHARGED_HADRON = 1
    ELECTRON = 2
    MUON = 3
    PHOTON = 4
    NEUTRAL_HADRON = 5


_INTEGERS = {
    "event": np.int32,
    "particle_type": np.int8,
    "charge": np.int8,
    "origin": np.int16,
    "electron": bool,
    "muon": bool,
}
#: Columns of the table of candidates; origin is 11, 13, 211 for tracks of e, mu, hadrons, and 0 for neutral candidates.
CANDIDATE_COLUMNS = (
    *_INTEGERS,
    *("pt", "eta", "phi", "mass", "dxy", "dz", "dxy_error", "dz_error"),
    *("track_pt", "radiated", "hcal_fraction", "raw_calo_fraction"),
)


def particle_kinematics(particles: Columns) -> Columns:
    """Return event, pdg_id, pt, eta, phi, energy (GeV), vx, vy, vz (cm) of generated particles, in float64."""
    px, py, pz = (particles[name].astype(np.float64) for name in ("px", "py", "pz"))
    pt = np.maximum(np.hypot(px, py), 1e-6)
    return {
        "event": particles["event"],
        "pdg_id": particles["pdg_id"],
        "pt": pt,
        "eta": np.arcsinh(pz / pt),
        "phi": np.arctan2(py, px),
        "energy": particles["energy"].astype(np.float64),
        **{name: particles[name].astype(np.float64) / 10 for name in ("vx", "vy", "vz")},
    }


def _identify(tracks: Columns, settings: DetectorSettings, rng: np.random.Generator) -> None:
    """Add particle_type and the flags of electron and muon objects (overlaps of e, mu and hadrons: our own choice)."""
    origin, pt = tracks["origin"], tracks["track_pt"]
    electromagnetic = 1 - tracks["hcal_fraction"]
    is_electron, is_muon, is_hadron = origin == 11, origin == 13, origin == 211
    barrel = np.abs(tracks["eta"]) < 1.5
    electron_id = np.where(pt > 5, np.where(barrel, 0.92, 0.82), 0.5) * settings.electron_id
    electron_fake = np.where(electromagnetic > 0.9, 0.12, 0.003)
    muon_id = np.where(pt > 1, np.where(in_muon_crack(tracks["eta"]), 0.6, 0.98), 0.0)
    u = rng.random((4, len(pt)))
    as_electron = np.where(is_electron, u[0] < electron_id, is_hadron & (pt > 2) & (u[0] < electron_fake))
    as_muon = np.where(is_muon, u[1] < muon_id, is_hadron & (u[1] < 0.004))
    kind = np.where(as_electron, ParticleType.ELECTRON, ParticleType.CHARGED_HADRON)
    tracks["particle_type"] = np.where(as_muon, ParticleType.MUON, kind)
    seeded = np.where(is_electron, u[2] < 0.97, is_hadron & (u[2] < np.where(electromagnetic > 0.85, 0.45, 0.03)))
    tracks["electron"] = (tracks["particle_type"] == ParticleType.ELECTRON) | (seeded & (pt > 5))
    tracker_muon = np.where(is_muon, u[3] < 0.5, is_hadron & (u[3] < 0.03))
    tracks["muon"] = (tracks["particle_type"] == ParticleType.MUON) | (tracker_muon & (pt > 3))


def _add_masses(tracks: Columns) -> None:
    kind = tracks["particle_type"]
    tracks["mass"] = np.select([kind == ParticleType.ELECTRON, kind == ParticleType.MUON], [0.000511, 0.10566], 0.13957)


def _as_candidates(table: Columns) -> Columns:
    rows = num_rows(table)
    return {
        name: np.asarray(table.get(name, np.zeros(rows))).astype(_INTEGERS.get(name, np.float32))
        for name in CANDIDATE_COLUMNS
    }


def respond(particles: Columns, settings: DetectorSettings, rng: np.random.Generator) -> Columns:
    """Return the particle-flow candidates (:data:`CANDIDATE_COLUMNS`) of generated particles, ordered by event.

    Args:
        particles: first table of :func:`TauAdv.simulation.truth.reduce_record`.
        settings: response of the detector.
        rng: source of all random numbers.
    """
    truth = particle_kinematics(particles)
    tracked, charged = reconstructed(truth, settings, rng)
    tracks = measure_tracks(take(truth, tracked), settings, rng)
    deposits, radiated = energy_depositions(tracks, settings, rng)
    tracks.update(deposits)
    _identify(tracks, settings, rng)
    _add_masses(tracks)
    untracked = charged & ~tracked
    photons = photon_candidates(truth, untracked, radiated, settings, rng)
    neutrals = neutral_hadron_candidates(truth, untracked, settings, rng)
    candidates = concatenate([_as_candidates(table) for table in (tracks, photons, neutrals)])
    return take(candidates, np.argsort(candidates["event"], kind="stable"))
