"""Track finding and the measured parameters of tracks (cm, GeV)."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["impact_parameter_errors", "in_muon_crack", "measure_tracks", "reconstructed"]

_CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
#: Particles (not antiparticles) of positive Monte Carlo number and negative charge.
_NEGATIVE = (11, 13, 3112, 3312, 3334)
_TAIL_FRACTION, _TAIL_WIDTH = 0.03, 2.5
_ANGLE_ERRORS = (1e-3, 5e-4)


def reconstructed(truth: Columns, settings: DetectorSettings, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return masks: track found, and particle charged (efficiency by pt below or above 1 GeV, |eta| below or above 1.5)."""
    pdg, pt, eta = np.abs(truth["pdg_id"]), truth["pt"], np.abs(truth["eta"])
    charged = np.isin(pdg, _CHARGED)

    def by_region(central_low: float, central: float, forward_low: float, forward: float) -> np.ndarray:
        return np.where(eta < 1.5, np.where(pt < 1, central_low, central), np.where(pt < 1, forward_low, forward))

    hadron, electron, muon = (
        by_region(0.70, 0.95, 0.60, 0.85),
        by_region(0.73, 0.95, 0.50, 0.83),
        by_region(0.75, 0.99, 0.70, 0.98),
    )
    efficiency = np.select([pdg == 11, pdg == 13], [electron, muon], hadron) * settings.track_efficiency
    # our own: fewer hits for particles born far from the beam line
    efficiency *= np.clip(1 - (np.hypot(truth["vx"], truth["vy"]) - 2.5) / 7.5, 0, 1)
    return charged & (eta < 2.5) & (pt > 0.2) & (rng.random(len(pt)) < efficiency), charged


def _pt_resolution(pt: np.ndarray, eta: np.ndarray, muon: np.ndarray) -> np.ndarray:
    region = np.digitize(np.abs(eta), [0.5, 1.5])
    constant = np.array([0.01, 0.015, 0.025])[region]
    slope = np.where(muon, np.array([1.0, 1.5, 3.5])[region], np.array([1.5, 2.5, 5.5])[region]) * 1e-4
    return np.hypot(constant, pt * slope)


def impact_parameter_errors(pt: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of dxy and dz in cm (see docs/simulation.md)."""
    cosh = np.cosh(eta)
    return 1e-4 * np.hypot(10.0, 90.0 * np.sqrt(cosh) / pt), 1e-4 * np.hypot(30.0, 100.0 * cosh**1.5 / pt)


def measure_tracks(truth: Columns, settings: DetectorSettings, rng: np.random.Generator) -> Columns:
    """Return measured tracks: event, origin, charge, eta, phi, track_pt, dxy, dz, dxy_error, dz_error.

    3 % of the tracks have impact parameters 2.5 times worse than their errors say (our own choice).
    """
    pdg, pt, eta, phi = np.abs(truth["pdg_id"]), truth["pt"], truth["eta"], truth["phi"]
    rows = len(pt)
    cosphi, sinphi = np.cos(phi), np.sin(phi)
    dxy = -truth["vx"] * sinphi + truth["vy"] * cosphi
    dz = truth["vz"] - (truth["vx"] * cosphi + truth["vy"] * sinphi) * np.sinh(eta)
    spread = _pt_resolution(pt, eta, pdg == 13) * settings.track_pt_resolution
    track_pt = np.maximum(pt * np.abs(1 + spread * rng.standard_normal(rows)) * settings.track_pt_scale, 0.05)
    dxy_error, dz_error = impact_parameter_errors(track_pt, eta)
    width = np.where(rng.random(rows) < _TAIL_FRACTION, _TAIL_WIDTH, 1.0) * settings.ip_resolution
    return {
        "event": truth["event"],
        "origin": np.where(np.isin(pdg, (11, 13)), pdg, 211),
        "charge": np.sign(truth["pdg_id"]) * np.where(np.isin(pdg, _NEGATIVE), -1, 1),
        "eta": eta + _ANGLE_ERRORS[0] * rng.standard_normal(rows),
        "phi": np.mod(phi + _ANGLE_ERRORS[1] * rng.standard_normal(rows) + np.pi, 2 * np.pi) - np.pi,
        "track_pt": track_pt,
        "pt": track_pt,
        "dxy": dxy + width * dxy_error * rng.standard_normal(rows),
        "dz": dz + width * dz_error * rng.standard_normal(rows),
        "dxy_error": dxy_error,
        "dz_error": dz_error,
    }


def in_muon_crack(eta: np.ndarray) -> np.ndarray:
    """Return whether a track passes between muon chambers: 8 % of |eta| (our own choice)."""
    return np.abs(eta) % 0.6 > 0.55
