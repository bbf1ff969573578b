"""Generator information of tau candidates, and the truth label that follows from it (TauMLTools)."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import nearest_object
from TauAdv.simulation.reconstruction.clustering import cluster
from TauAdv.tuples.matching import TauType, recompute_tau_type
from TauAdv.tuples.schema import branch

__all__ = ["GENERATOR_BRANCHES", "generator_columns", "hide_generator", "is_ambiguous"]

_SEARCH_RADIUS = 0.4
_MIN_JET_PT = 10.0
_LEPTON = {"kind": "genLepton_kind", "charge": "genLepton_charge"}
_VISIBLE = ("pt", "eta", "phi", "mass")
#: Branches that only simulation has.
GENERATOR_BRANCHES = (
    "genLepton_index",
    *_LEPTON.values(),
    *(f"genLepton_vis_{name}" for name in _VISIBLE),
    "genJet_index",
    *(f"genJet_{name}" for name in _VISIBLE),
    "npu",
)


def _matched(name: str, values: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return the values of the matched objects, the branch's absent value where there is none."""
    entry = branch(name)
    chosen = values[np.maximum(row, 0)] if len(values) else np.zeros(len(row))
    return np.where(row >= 0, chosen, entry.absent).astype(entry.dtype)


def _index_in_event(event: np.ndarray, row: np.ndarray) -> np.ndarray:
    within = np.arange(len(event)) - np.searchsorted(event, event)
    return _matched("genLepton_index", within, row)


def generator_columns(taus: Columns, particles: Columns, leptons: Columns, num_events: int) -> Columns:
    """Return the genLepton_ and genJet_ branches, ``tauType`` and the true decay mode of tau candidates.

    The nearest generated lepton, and the nearest jet of stable visible particles (anti-kT 0.4, pt > 10 GeV), within 0.4.

    Args:
        taus: tau candidates (event, eta, phi).
        particles: stable particles of the hard events (no pile-up).
        leptons: generated leptons.
        num_events: number of events.
    """
    axes = (taus["event"], taus["eta"], taus["phi"])
    lepton = nearest_object(leptons, axes, _SEARCH_RADIUS)
    p4 = np.stack([particles[name] for name in ("px", "py", "pz", "energy")], axis=-1)
    jets = cluster(particles["event"], p4, num_events, _MIN_JET_PT)
    jet = nearest_object(jets, axes, _SEARCH_RADIUS)
    table = {
        "genLepton_index": _index_in_event(leptons["event"], lepton),
        **{name: _matched(name, leptons[column], lepton) for column, name in _LEPTON.items()},
        **{f"genLepton_vis_{name}": _matched(f"genLepton_vis_{name}", leptons[name], lepton) for name in _VISIBLE},
        "genJet_index": _index_in_event(jets["event"], jet),
        **{f"genJet_{name}": _matched(f"genJet_{name}", jets[name], jet) for name in _VISIBLE},
    }
    sample = np.ones(len(lepton), dtype=np.int32)
    angles = {f"tau_{name}": taus[name].astype(np.float32) for name in ("eta", "phi")}
    table["tauType"] = recompute_tau_type({**table, **angles, "sampleType": sample})
    mode = leptons["decay_mode"][np.maximum(lepton, 0)] if len(leptons["decay_mode"]) else np.full(len(lepton), -1)
    table["sim_genDecayMode"] = np.where(table["tauType"] == TauType.TAU, mode, -1).astype(np.int32)
    return table


def is_ambiguous(table: Columns) -> np.ndarray:
    """Return which candidates are near a generated lepton but not matched to it: neither signal nor jet."""
    return (table["tauType"] == TauType.NONE) & (table["genLepton_index"] >= 0)


def hide_generator(table: Columns) -> Columns:
    """Return the table as recorded data would have it: no generator branch, sampleType 0, tauType -1.

    The truth label moves to ``sim_trueType``, which no tuple of recorded data has and no step but closure studies reads.
    """
    hidden = dict(table)
    for name in GENERATOR_BRANCHES:
        hidden[name] = np.full(len(table["tauType"]), branch(name).absent, dtype=branch(name).dtype)
    hidden["sim_genDecayMode"] = np.full(len(table["tauType"]), -1, dtype=np.int32)
    hidden["sampleType"] = np.zeros(len(table["tauType"]), dtype=np.int32)
    hidden["tauType"] = np.full(len(table["tauType"]), TauType.NONE, dtype=np.int32)
    return hidden
