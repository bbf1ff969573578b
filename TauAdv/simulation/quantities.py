"""The quantities of the validation page: values, bins and axis labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from TauAdv.simulation.columns import Columns

__all__ = ["QUANTITIES", "Quantity", "response"]


@dataclass(frozen=True)
class Quantity:
    """What is drawn: a value per candidate (NaN: left out), its bins, and the axis label with unit."""

    name: str
    label: str
    edges: np.ndarray
    values: Callable[[Columns], np.ndarray]
    logarithmic: bool = False


Values = Callable[[Columns], np.ndarray]


def response(columns: Columns) -> np.ndarray:
    """Return reconstructed over generated visible pt; NaN where no lepton was generated."""
    generated = columns["genLepton_vis_pt"]
    return np.where(generated > 0, columns["tau_pt"] / np.maximum(generated, 1e-3), np.nan)


def _significance(value: str) -> Values:
    return lambda c: np.abs(c[value]) / c[f"{value}_error"]


def _true_mode(c: Columns) -> np.ndarray:
    return np.where(c["sim_genDecayMode"] >= 0, c["sim_genDecayMode"], np.nan)


def _flight(c: Columns) -> np.ndarray:
    return np.where(c["tau_decayMode"] >= 10, c["tau_flightLength_sig"], np.nan)


def _linear(name: str, label: str, bins: int, low: float, high: float, values: Values | None = None) -> Quantity:
    return Quantity(name, label, np.linspace(low, high, bins + 1), values or (lambda c: c[name].astype(np.float64)))


def _log(name: str, label: str, bins: int, low: float, high: float, values: Values | None = None) -> Quantity:
    return replace(_linear(name, label, bins, low, high, values), logarithmic=True)


QUANTITIES: tuple[Quantity, ...] = (
    _log("tau_pt", "tau $p_T$ [GeV]", 25, 20, 120),
    _linear("tau_eta", r"tau $\eta$", 23, -2.3, 2.3),
    _linear("tau_decayMode", "reconstructed decay mode", 12, -0.5, 11.5),
    _linear("sim_genDecayMode", r"true decay mode: 5 (prongs $-$ 1) + neutral pions", 15, -0.5, 14.5, _true_mode),
    _log("tau_mass", "tau visible mass [GeV]", 36, 0, 1.8),
    _log("response", "reconstructed / generated visible $p_T$", 40, 0.5, 1.5, response),
    _log("tau_chargedIsoPtSum", "charged isolation [GeV]", 25, 0, 40),
    _log("tau_neutralIsoPtSum", "neutral isolation [GeV]", 25, 0, 40),
    _log("tau_neutralIsoPtSumWeight", "neutral isolation, pile-up weighted [GeV]", 25, 0, 40),
    _linear("tau_puCorrPtSum", "$p_T$ sum of pile-up tracks [GeV]", 25, 0, 30),
    _log("tau_photonPtSumOutsideSignalCone", "photon $p_T$ sum outside the signal cone [GeV]", 25, 0, 10),
    _log("tau_pt_weighted_dr_signal", r"$p_T$-weighted $\Delta R$ of signal photons", 25, 0, 0.2),
    _linear("tau_pt_weighted_dr_iso", r"$p_T$-weighted $\Delta R$ of isolation photons", 25, 0, 0.5),
    _linear("tau_n_photons", "signal photons", 12, -0.5, 11.5),
    _log("tau_emFraction", "electromagnetic fraction", 25, 0, 1.02),
    _log("tau_e_ratio", "ECAL / (ECAL + HCAL) energy", 25, 0, 1.02),
    _log("dxy", "dxy of the leading track [µm]", 40, -200, 200, lambda c: c["tau_dxy"] * 1e4),
    _log("dxy_significance", r"|dxy| / $\sigma$ of the leading track", 25, 0, 10, _significance("tau_dxy")),
    _log("ip3d_significance", r"|IP 3D| / $\sigma$ of the leading track", 25, 0, 10, _significance("tau_ip3d")),
    _linear("flight_significance", "flight significance (3 prongs)", 40, -5, 15, _flight),
    _linear("rho", "event energy density rho [GeV]", 25, 0, 45),
    _linear("npv", "reconstructed vertices", 36, -0.5, 35.5),
    _linear("n_pfCand", "particle-flow candidates within 0.5", 33, -0.5, 65.5),
    _log("n_ele", "electron objects within 0.5", 6, -0.5, 5.5),
    _log("n_muon", "muon objects within 0.5", 6, -0.5, 5.5),
    _log("VSjet", "surrogate VSjet score", 25, 0, 1, lambda c: c["tau_byDeepTau2017v2p1VSjetraw"]),
    _log("VSe", "surrogate VSe score", 25, 0, 1, lambda c: c["tau_byDeepTau2017v2p1VSeraw"]),
    _log("VSmu", "surrogate VSmu score", 25, 0, 1, lambda c: c["tau_byDeepTau2017v2p1VSmuraw"]),
)
