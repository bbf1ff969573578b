"""Electron and muon objects around tau candidates: kinematics from the candidates, detail branches sampled.

The detail branches are drawn from overlapping distributions for true leptons and for hadrons that look like them (our own
choice): they follow from the simulated deposits and radiation where these exist, so that no branch names the truth.
"""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.detector.calorimeter import ecal_resolution
from TauAdv.simulation.detector.tracking import in_muon_crack

__all__ = ["electron_columns", "muon_columns"]

_STATIONS = (1, 2, 3, 4)
#: Hits per matched station.
_HITS = {"DT": 9, "CSC": 5, "RPC": 1}


def _spread(rng: np.random.Generator, electron: np.ndarray, narrow: float, wide: float) -> np.ndarray:
    return np.where(electron, narrow, wide) * rng.standard_normal(len(electron))


def electron_columns(objects: Columns, rng: np.random.Generator) -> Columns:
    """Return the ele_ branches (GeV) of candidates with an electron object (candidate columns, one row an object)."""
    rows, electron = len(objects["pt"]), objects["origin"] == 11
    cosh = np.cosh(objects["eta"])
    radiated = np.where(electron, objects["radiated"], rng.beta(0.8, 3.0, rows))
    at_vertex = objects["track_pt"] * cosh * (1 + _spread(rng, electron, 0.02, 0.04))
    out = np.maximum(at_vertex * (1 - radiated) * (1 + 0.08 * rng.standard_normal(rows)), 0.2)
    calorimeter = np.maximum(objects["raw_calo_fraction"] * objects["track_pt"] * cosh, 0.3)
    ecal = np.where(electron, calorimeter, np.maximum(calorimeter * (1 - objects["hcal_fraction"]), 0.3))
    seed = ecal * (1 - 0.7 * radiated)
    photons = rng.poisson(0.3 + 2.5 * radiated)
    gsf_pt = at_vertex / cosh
    with_track = rng.random(rows) < 0.93
    return {
        **{f"ele_{name}": objects[name] for name in ("pt", "eta", "phi")},
        "ele_mass": np.full(rows, 0.000511),
        "ele_cc_ele_energy": np.where(rng.random(rows) < 0.95, seed, -1.0),
        "ele_cc_gamma_energy": np.where(photons > 0, ecal - seed, 0.0),
        "ele_cc_n_gamma": photons.astype(np.int32),
        "ele_trackMomentumAtVtx": at_vertex,
        "ele_trackMomentumAtCalo": out * (1 + 0.02 * rng.standard_normal(rows)),
        "ele_trackMomentumOut": out,
        "ele_trackMomentumAtEleClus": out * (1 + 0.05 * rng.standard_normal(rows)),
        "ele_trackMomentumAtVtxWithConstraint": at_vertex * (1 + 0.02 * rng.standard_normal(rows)),
        "ele_ecalEnergy": ecal,
        "ele_ecalEnergy_error": ecal_resolution(ecal, objects["eta"]),
        "ele_eSuperClusterOverP": ecal / at_vertex,
        "ele_eSeedClusterOverP": seed / at_vertex,
        "ele_eSeedClusterOverPout": seed / out,
        "ele_eEleClusterOverPout": seed * (1 + 0.03 * rng.standard_normal(rows)) / out,
        **_matching(electron, radiated, rng),
        **_shower(objects, electron, radiated, calorimeter, rng),
        "ele_gsfTrack_normalizedChi2": rng.gamma(3.0, np.where(electron, 0.4, 0.7)),
        "ele_gsfTrack_numberOfValidHits": np.clip(np.rint(rng.normal(16, 2.5, rows)), 4, 26).astype(np.int32),
        "ele_gsfTrack_pt": gsf_pt,
        "ele_gsfTrack_pt_error": gsf_pt * (0.06 + 0.25 * radiated) * rng.gamma(8.0, 1 / 8.0, rows),
        "ele_closestCtfTrack_normalizedChi2": np.where(with_track, rng.gamma(3.0, np.where(electron, 0.6, 0.4)), -1.0),
        "ele_closestCtfTrack_numberOfValidHits": np.where(
            with_track, np.clip(np.rint(rng.normal(np.where(electron, 13.5, 15.5), 3.0)), 3, 26), -1
        ).astype(np.int32),
    }


def _matching(electron: np.ndarray, radiated: np.ndarray, rng: np.random.Generator) -> Columns:
    """Return the distances between clusters and track."""
    bend = 1 + 4 * radiated
    return {
        "ele_deltaEtaSuperClusterTrackAtVtx": _spread(rng, electron, 0.004, 0.010),
        "ele_deltaEtaSeedClusterTrackAtCalo": _spread(rng, electron, 0.004, 0.012),
        "ele_deltaEtaEleClusterTrackAtCalo": _spread(rng, electron, 0.004, 0.012),
        "ele_deltaPhiEleClusterTrackAtCalo": _spread(rng, electron, 0.008, 0.02),
        "ele_deltaPhiSuperClusterTrackAtVtx": bend * _spread(rng, electron, 0.012, 0.02),
        "ele_deltaPhiSeedClusterTrackAtCalo": bend * _spread(rng, electron, 0.015, 0.025),
    }


def _shower(
    objects: Columns, electron: np.ndarray, radiated: np.ndarray, calorimeter: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Return the inputs of the particle-flow electron classifier."""
    rows = len(electron)
    endcap = np.abs(objects["eta"]) > 1.479
    width = np.where(endcap, 0.026, 0.0098) * rng.gamma(
        np.where(electron, 40.0, 8.0), np.where(electron, 1 / 40.0, 1.25 / 8)
    )
    return {
        "ele_mvaInput_earlyBrem": (rng.random(rows) < np.where(radiated > 0.4, 0.6, 0.15)).astype(np.int32),
        "ele_mvaInput_lateBrem": (rng.random(rows) < np.where(radiated > 0.4, 0.3, 0.2)).astype(np.int32),
        "ele_mvaInput_sigmaEtaEta": width,
        "ele_mvaInput_hadEnergy": calorimeter * objects["hcal_fraction"] + rng.exponential(0.3, rows),
        "ele_mvaInput_deltaEta": np.abs(_spread(rng, electron, 0.004, 0.010)),
    }


def _station_matches(eta: np.ndarray, muon: np.ndarray, pt: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return matched segments [objects, 4 stations] per chamber type; cracks and low pt lose stations."""
    reach = np.array([0.97, 0.95, 0.92, 0.85])
    through = np.array([0.45, 0.15, 0.06, 0.03])
    crack = in_muon_crack(eta)[:, None]
    probability = np.where(muon[:, None], reach * (1 - np.exp(-pt / 3))[:, None] * np.where(crack, 0.35, 1.0), through)
    absolute = np.abs(eta)[:, None]
    acceptance = {"DT": absolute < 1.2, "CSC": absolute > 0.9, "RPC": absolute < 1.9}
    return {
        chamber: ((rng.random((len(eta), 4)) < probability) & inside).astype(np.int32)
        for chamber, inside in acceptance.items()
    }


def muon_columns(objects: Columns, rng: np.random.Generator) -> Columns:
    """Return the muon_ branches (cm, GeV) of candidates with a muon object (candidate columns, one row an object)."""
    rows, muon = len(objects["pt"]), objects["origin"] == 13
    matches = _station_matches(objects["eta"], muon, objects["track_pt"], rng)
    segments = sum(values.sum(axis=1) for values in matches.values())
    energy = objects["raw_calo_fraction"] * objects["track_pt"] * np.cosh(objects["eta"])
    with_global_fit = segments >= 2
    table = {
        **{f"muon_{name}": objects[name] for name in ("pt", "eta", "phi", "dxy", "dxy_error")},
        "muon_mass": np.full(rows, 0.10566),
        "muon_normalizedChi2": np.where(with_global_fit, rng.gamma(2.0, np.where(muon, 0.6, 2.5)), -1.0),
        "muon_numberOfValidHits": np.clip(np.rint(15 + 2.0 * segments + rng.normal(0, 3, rows)), 5, 60).astype(np.int32),
        "muon_segmentCompatibility": np.clip(segments / 8 * rng.beta(8.0, 1.5, rows), 0, 1),
        "muon_caloCompatibility": np.where(energy < 5, rng.beta(6.0, 1.5, rows), rng.beta(1.2, 3.0, rows)),
        "muon_pfEcalEnergy": np.where(rng.random(rows) < 0.95, energy * (1 - objects["hcal_fraction"]), -1.0),
    }
    for chamber, values in matches.items():
        hits = values * rng.binomial(2 * _HITS[chamber], 0.5, values.shape)
        for station in _STATIONS:
            table[f"muon_n_matches_{chamber}_{station}"] = values[:, station - 1]
            table[f"muon_n_hits_{chamber}_{station}"] = hits[:, station - 1].astype(np.int32)
    return table
