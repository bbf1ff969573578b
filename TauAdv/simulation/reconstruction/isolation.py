"""Isolation, strip and calorimeter quantities of tau candidates (GeV, radians)."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.detector.response import ParticleType
from TauAdv.simulation.geometry import delta_phi
from TauAdv.simulation.reconstruction.cones import Cones

__all__ = ["calorimeter_columns", "isolation_columns", "strip_columns"]

_MIN_PT, _MAX_DXY = 0.5, 0.03
_SIGNAL_CONE = (3.0, 0.05, 0.1)


def _signal_cone(pt: np.ndarray) -> np.ndarray:
    scale, smallest, largest = _SIGNAL_CONE
    return np.clip(scale / pt, smallest, largest)


def isolation_columns(taus: Columns, cones: Cones) -> Columns:
    """Return the isolation sums, within dR 0.5 (and 0.3) of the tau.

    Charged: primary-vertex tracks outside the signal with pt > 0.5 GeV, |dxy| < 0.03 cm. Neutral: photons outside the
    signal with pt > 0.5 GeV, also with pile-up weights. Footprint: isolation photons in the strip area (0.05 x 0.2)
    around the axis. puCorr: tracks of other vertices.
    """
    pt = cones["pt"]
    outside = ~cones.signal & (pt > _MIN_PT)
    charged = cones.charged & outside & (cones["from_pv"] >= 2) & (np.abs(cones["dxy"]) < _MAX_DXY)
    neutral = cones.photons & outside
    inner = cones.distance < 0.3
    weighted = pt * cones.weight
    signal_photons = cones.photons & cones.signal
    beyond = signal_photons & (cones.distance > _signal_cone(taus["pt"])[:, None])
    near = neutral & (np.abs(cones["eta"] - taus["eta"][:, None]) < 0.05)
    near &= np.abs(delta_phi(cones["phi"], taus["phi"][:, None])) < 0.2
    return {
        "tau_chargedIsoPtSum": cones.total(charged),
        "tau_chargedIsoPtSumdR03": cones.total(charged & inner),
        "tau_neutralIsoPtSum": cones.total(neutral),
        "tau_neutralIsoPtSumdR03": cones.total(neutral & inner),
        "tau_neutralIsoPtSumWeight": cones.total(neutral, weighted),
        "tau_neutralIsoPtSumWeightdR03": cones.total(neutral & inner, weighted),
        "tau_footprintCorrection": cones.total(near),
        "tau_footprintCorrectiondR03": cones.total(near & inner),
        "tau_photonPtSumOutsideSignalCone": cones.total(beyond),
        "tau_photonPtSumOutsideSignalConedR03": cones.total(beyond & inner),
        "tau_puCorrPtSum": cones.total(cones.charged & (cones["from_pv"] == 0)),
    }


def strip_columns(taus: Columns, cones: Cones) -> Columns:
    """Return the pt-weighted widths of photons (signal: strips and dR; isolation: dR) and the number of signal photons."""
    photons = cones.photons & (cones["pt"] > _MIN_PT)
    signal, isolation = photons & cones.signal, photons & ~cones.signal
    deta = np.abs(cones["eta"] - taus["eta"][:, None])
    dphi = np.abs(delta_phi(cones["phi"], taus["phi"][:, None]))

    def mean(selected: np.ndarray, values: np.ndarray) -> np.ndarray:
        weighted = cones.total(selected, cones["pt"] * np.where(selected, values, 0))
        return weighted / np.maximum(cones.total(selected), 1e-6)

    return {
        "tau_pt_weighted_deta_strip": mean(signal, deta),
        "tau_pt_weighted_dphi_strip": mean(signal, dphi),
        "tau_pt_weighted_dr_signal": mean(signal, cones.distance),
        "tau_pt_weighted_dr_iso": mean(isolation, cones.distance),
        "tau_n_photons": signal.sum(axis=1).astype(np.int32),
    }


def calorimeter_columns(taus: Columns, cones: Cones, pv_z: np.ndarray) -> Columns:
    """Return energy ratios of the signal, the crack flag, and where the leading track enters the ECAL.

    e_ratio: electromagnetic over all calorimeter energy of the signal; emFraction: strips' pt over the tau's.
    """
    energy = cones["pt"] * np.cosh(cones["eta"])
    tracks = cones.signal & cones.charged
    electromagnetic = cones.signal & np.isin(cones["particle_type"], (ParticleType.ELECTRON, ParticleType.PHOTON))
    deposited = energy * cones["raw_calo_fraction"]
    hcal = cones.total(tracks, deposited * cones["hcal_fraction"])
    ecal = cones.total(tracks, deposited * (1 - cones["hcal_fraction"])) + cones.total(cones.signal & ~tracks, energy)
    return {
        "tau_e_ratio": ecal / np.maximum(ecal + hcal, 1e-6),
        "tau_emFraction": cones.total(electromagnetic) / taus["pt"],
        "tau_inside_ecal_crack": ((np.abs(taus["eta"]) > 1.46) & (np.abs(taus["eta"]) < 1.558)).astype(np.int32),
        "tau_leadChargedCand_etaAtEcalEntrance": eta_at_ecal(cones.of_lead("eta"), pv_z),
    }


def eta_at_ecal(eta: np.ndarray, pv_z: np.ndarray, radius: float = 129.0, half_length: float = 317.0) -> np.ndarray:
    """Return the pseudorapidity, seen from the detector's centre, where a straight track enters the ECAL (cm)."""
    slope = np.sinh(eta)
    barrel_z = pv_z + radius * slope
    endcap_z = np.copysign(half_length, slope)
    endcap_radius = (endcap_z - pv_z) / np.where(np.abs(slope) > 1e-6, slope, 1e-6)
    in_barrel = np.abs(barrel_z) < half_length
    safe_radius = np.where(in_barrel, radius, np.maximum(endcap_radius, 1.0))
    return np.arcsinh(np.where(in_barrel, barrel_z, endcap_z) / safe_radius)
