"""Energies: bremsstrahlung and calorimeter deposits of tracks, photons and neutral hadrons (GeV)."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["ecal_resolution", "energy_depositions", "hcal_resolution", "neutral_hadron_candidates", "photon_candidates"]

_ECAL_CELL = (0.0174, np.pi / 180)
_HCAL_CELL = (0.087, np.pi / 36)
_NEUTRAL_HADRONS = (130, 310, 2112, 3122, 3322)
#: Our own: material in radiation lengths against |eta|.
_MATERIAL_ETA, _MATERIAL_X0 = (0.0, 0.8, 1.5, 1.7, 2.5), (0.4, 0.6, 1.4, 1.8, 1.2)
_SEPARATE_PHOTON = 0.3


def ecal_resolution(energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the energy error of the electromagnetic calorimeter: half of the Delphes card's (its noise is per tower)."""
    eta = np.abs(eta)
    stochastic = np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.4**2)
    return 0.5 * stochastic * np.where(eta < 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2)


def hcal_resolution(energy: np.ndarray) -> np.ndarray:
    """Return the energy error of the hadron calorimeter."""
    return np.sqrt((0.05 * energy) ** 2 + 1.5**2 * energy)


def _electromagnetic_fraction(tracks: Columns, rng: np.random.Generator) -> np.ndarray:
    """Return the share of the calorimeter energy in the electromagnetic part (hadron showers: our own mixture)."""
    rows = len(tracks["pt"])
    u = rng.random(rows)
    minimum_ionising = 0.05 * rng.random(rows)
    charge_exchange = 1 - np.abs(0.05 * rng.standard_normal(rows))
    shower = rng.beta(1.2, 1.2, rows)
    hadron = np.where(u < 0.35, minimum_ionising, np.where(u < 0.45, charge_exchange, shower))
    electron = 1 - np.abs(0.06 * rng.standard_normal(rows))
    muon = rng.beta(2.0, 8.0, rows)
    return np.clip(np.select([tracks["origin"] == 11, tracks["origin"] == 13], [electron, muon], hadron), 0, 1)


def energy_depositions(tracks: Columns, settings: DetectorSettings, rng: np.random.Generator) -> tuple[Columns, Columns]:
    """Return pt, radiated, hcal_fraction, raw_calo_fraction of tracks, and the photons that electrons lost.

    Electrons keep E exp(-G), G ~ Gamma(0.7 X/ln 2, 1); 30 % of them lose the rest into a separate photon (our own choice).
    Their energy is measured by the calorimeter, that of muons and hadrons by the tracker.
    """
    rows, electron, muon = len(tracks["pt"]), tracks["origin"] == 11, tracks["origin"] == 13
    energy = tracks["track_pt"] * np.cosh(tracks["eta"])
    material = np.interp(np.abs(tracks["eta"]), _MATERIAL_ETA, _MATERIAL_X0)
    radiated = np.where(electron, 1 - np.exp(-rng.gamma(0.7 * material / np.log(2))), 0.0)
    separate = electron & (rng.random(rows) < _SEPARATE_PHOTON)
    kept = np.maximum(energy * np.where(separate, 1 - radiated, 1.0), 0.1)
    noise = 0.7 * ecal_resolution(kept, tracks["eta"]) * rng.standard_normal(rows) * settings.em_resolution
    measured = np.maximum(kept + noise, 0.3) * settings.em_scale
    hadron_response = np.maximum(1 + 1.2 / np.sqrt(energy) * rng.standard_normal(rows), 0) * settings.hadron_scale
    # our own: few hadrons shower late, few muons radiate
    hadron_response *= np.where(rng.random(rows) < 0.04, rng.random(rows), 1.0)
    muon_response = np.minimum(3.0 / energy, 1.5) + np.where(rng.random(rows) < 0.02, rng.beta(1.0, 3.0, rows), 0.0)
    response = np.select([electron, muon], [measured / energy, muon_response], hadron_response)
    hcal_fraction = 1 - _electromagnetic_fraction(tracks, rng)
    deposits = {
        "pt": np.where(electron, measured / np.cosh(tracks["eta"]), tracks["track_pt"]),
        "radiated": radiated,
        "hcal_fraction": hcal_fraction,
        "raw_calo_fraction": response,
    }
    lost = separate & (energy * radiated > 0.3)
    bend = tracks["charge"] * np.minimum(0.5 / tracks["track_pt"], 0.3) * rng.random(rows)
    photons = {
        "event": tracks["event"],
        "eta": tracks["eta"] + 0.003 * rng.standard_normal(rows),
        "phi": tracks["phi"] + bend,
        "energy": energy * radiated,
    }
    return deposits, {name: values[lost] for name, values in photons.items()}


def _merge_cells(table: Columns, cell: tuple[float, float]) -> Columns:
    """Return one row per event and calorimeter cell: summed energy, energy-weighted direction."""
    phi = np.mod(table["phi"] + np.pi, 2 * np.pi) - np.pi
    row_eta = np.floor(table["eta"] / cell[0]).astype(np.int64) + 1024
    row_phi = np.floor((phi + np.pi) / cell[1]).astype(np.int64)
    key = (table["event"].astype(np.int64) * 2048 + row_eta) * 1024 + row_phi
    cells, member = np.unique(key, return_inverse=True)
    energy = np.bincount(member, weights=table["energy"], minlength=len(cells))
    return {
        "event": cells // (2048 * 1024),
        "eta": np.bincount(member, weights=table["energy"] * table["eta"], minlength=len(cells)) / energy,
        "phi": np.bincount(member, weights=table["energy"] * phi, minlength=len(cells)) / energy,
        "energy": energy,
    }


def _deposits(truth: Columns, mask: np.ndarray) -> Columns:
    return {name: truth[name][mask] for name in ("event", "eta", "phi", "energy")}


def photon_candidates(
    truth: Columns, untracked: np.ndarray, radiated: Columns, settings: DetectorSettings, rng: np.random.Generator
) -> Columns:
    """Return photon candidates: photons, electrons without track, and separate bremsstrahlung, merged in ECAL cells."""
    pdg = np.abs(truth["pdg_id"])
    direct = _deposits(truth, ((pdg == 22) | (untracked & (pdg == 11))) & (truth["energy"] > 0.1))
    cells = _merge_cells({name: np.concatenate([direct[name], radiated[name]]) for name in direct}, _ECAL_CELL)
    rows, cosh = len(cells["energy"]), np.cosh(cells["eta"])
    noise = ecal_resolution(cells["energy"], cells["eta"]) * settings.em_resolution * rng.standard_normal(rows)
    energy = (cells["energy"] + noise) * settings.em_scale
    found = (energy > 0.5) & (energy / cosh > 0.3) & (rng.random(rows) < 0.95)
    table = {
        **{name: cells[name] for name in ("event", "eta", "phi")},
        "pt": energy / cosh,
        "particle_type": np.full(rows, 4),
    }
    return {name: values[found] for name, values in table.items()}


def neutral_hadron_candidates(
    truth: Columns, untracked: np.ndarray, settings: DetectorSettings, rng: np.random.Generator
) -> Columns:
    """Return neutral-hadron candidates: neutral hadrons and charged ones without track, merged in HCAL cells."""
    pdg = np.abs(truth["pdg_id"])
    hadron = np.isin(pdg, _NEUTRAL_HADRONS) | (untracked & (pdg > 100))
    cells = _merge_cells(_deposits(truth, hadron & (truth["pt"] > 0.5)), _HCAL_CELL)
    rows = len(cells["energy"])
    energy = (cells["energy"] + hcal_resolution(cells["energy"]) * rng.standard_normal(rows)) * settings.hadron_scale
    found = (energy > 1) & (energy > hcal_resolution(np.maximum(energy, 1.0)))
    table = {
        **{name: cells[name] for name in ("event", "eta", "phi")},
        "pt": energy / np.cosh(cells["eta"]),
        "mass": np.full(rows, 0.4976),
        "particle_type": np.full(rows, 5),
        "hcal_fraction": np.ones(rows),
    }
    return {name: values[found] for name, values in table.items()}
