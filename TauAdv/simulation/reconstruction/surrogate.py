"""Surrogates of the stored DeepTau scores that the documented selections cut on.

Fixed functions of isolation and lepton quantities with values in [0, 1], under the branch names of DeepTau 2017 v2.1 (no
network has been applied): the skim and the control region need these branches, the features do not read them. The weights
were fitted once by logistic regression to simulated candidates and are rounded.
"""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.reconstruction.cones import Cones

__all__ = ["surrogate_columns", "surrogate_inputs"]

#: Input -> weight, for each score: score = 1 / (1 + exp(-(intercept + sum of weight x input))).
WEIGHTS: dict[str, dict[str, float]] = {
    "VSjet": {
        "intercept": 5.3,
        "charged_isolation": -1.9,
        "neutral_isolation": -1.1,
        "outside_cone": -0.3,
        "strip_width": -1.0,
        "flight": 0.5,
        "log_pt": 1.1,
        "one_prong": 0.7,
        "three_prong": -2.1,
        "three_prong_strip": -0.1,
    },
    "VSe": {
        "intercept": 2.9,
        "lead_is_electron": -4.0,
        "electron_share": -4.2,
        "hcal": 4.6,
        "e_over_p": -1.7,
        "one_prong": -0.3,
        "three_prong": 2.3,
    },
    "VSmu": {"intercept": 4.0, "lead_is_muon": -4.0, "muon_share": -3.0, "three_prong": 1.5},
}


def surrogate_inputs(taus: Columns, tau: Columns, cones: Cones) -> Columns:
    """Return the inputs of the surrogates, one value per tau.

    Args:
        taus: reconstructed taus.
        tau: their isolation, strip, impact and calorimeter branches.
        cones: candidates around them.
    """
    lead_type = cones.of_lead("particle_type")
    near = cones.distance < 0.15
    mode = taus["decay_mode"]
    muon_pt = np.where(near & cones["muon"], cones["pt"], 0).max(axis=1)
    electron_pt = np.where(near & cones["electron"], cones["pt"], 0).max(axis=1)
    return {
        "charged_isolation": np.log1p(tau["tau_chargedIsoPtSum"]),
        "neutral_isolation": np.log1p(tau["tau_neutralIsoPtSumWeight"]),
        "outside_cone": np.log1p(tau["tau_photonPtSumOutsideSignalCone"]),
        "strip_width": tau["tau_pt_weighted_dr_signal"] * np.minimum(taus["pt"], 100) / 3,
        "flight": np.log1p(np.maximum(tau["tau_flightLength_sig"], 0)),
        "log_pt": np.log(taus["pt"] / 40),
        "one_prong": (mode == 0) * 1.0,
        "three_prong": (mode >= 10) * 1.0,
        "three_prong_strip": (mode == 11) * 1.0,
        "lead_is_electron": (lead_type == 2) * 1.0,
        "lead_is_muon": (lead_type == 3) * 1.0,
        "electron_share": np.minimum(electron_pt / taus["pt"], 1.5),
        "muon_share": np.minimum(muon_pt / taus["pt"], 1.5),
        "hcal": cones.of_lead("hcal_fraction") * np.minimum(cones.of_lead("raw_calo_fraction"), 2),
        "e_over_p": np.minimum(np.abs(cones.of_lead("raw_calo_fraction") - 1), 1),
    }


def surrogate_columns(inputs: Columns) -> Columns:
    """Return ``tau_byDeepTau2017v2p1VS{jet,e,mu}raw``."""
    table = {}
    for score, weights in WEIGHTS.items():
        rows = len(inputs["log_pt"])
        total = np.full(rows, weights["intercept"])
        for name, weight in weights.items():
            if name != "intercept":
                total = total + weight * inputs[name]
        table[f"tau_byDeepTau2017v2p1{score}raw"] = 1 / (1 + np.exp(-total))
    return table
