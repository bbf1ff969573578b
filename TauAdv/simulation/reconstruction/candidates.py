"""Branches of the particle-flow candidates, electrons and muons around tau candidates: jagged arrays."""

from __future__ import annotations

import awkward as ak
import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.reconstruction.cones import Cones
from TauAdv.simulation.reconstruction.leptons import electron_columns, muon_columns

__all__ = ["collection_columns"]

_MIN_PT_TRACK_DETAILS = 0.95


def _hits(charged: np.ndarray, rng: np.random.Generator) -> Columns:
    """Return sampled track quality: lostInnerHits -1 (hit in the first layer), 0, 1; pixel hits, chi2 and ndof."""
    rows = len(charged)
    u = rng.random(rows)
    lost = np.select([u < 0.9, u < 0.96], [-1, 0], 1)
    pixel = rng.binomial(4, 0.93, rows)
    ndof = np.clip(np.rint(rng.normal(16, 4, rows)), 3, 40)
    chi2 = ndof * rng.gamma(5.0, 1 / 5.0, rows) * np.where(rng.random(rows) < 0.03, 3.0, 1.0)
    sampled = {"lostInnerHits": lost, "nPixelHits": pixel, "track_ndof": ndof, "track_chi2": chi2}
    return {name: np.where(charged, values, 0) for name, values in sampled.items()}


def _pf_columns(cones: Cones, events: Columns, rng: np.random.Generator) -> tuple[np.ndarray, Columns]:
    """Return the number of candidates per tau and the flat pfCand_ columns (lengths in cm)."""
    tau, slot = np.nonzero(cones.valid)
    c = {name: values[tau, slot] for name, values in cones.columns.items()}
    charged = c["charge"] != 0
    signal, weight = cones.signal[tau, slot], cones.weight[tau, slot]
    details = charged & (c["pt"] > _MIN_PT_TRACK_DETAILS)
    outside = ~signal & (c["pt"] > 0.5) & (~charged | (c["from_pv"] >= 2))
    hits = _hits(charged, rng)
    table = {
        **{name: c[name] for name in ("pt", "eta", "phi", "mass", "charge", "dxy", "dxy_error", "dz", "dz_error")},
        "particleType": c["particle_type"],
        "pvAssociationQuality": c["pv_quality"],
        "fromPV": c["from_pv"],
        "puppiWeight": weight,
        "puppiWeightNoLep": weight,
        "tauSignal": signal,
        "tauIso": outside,
        "tauLeadChargedHadrCand": signal & (slot == cones.lead[tau]),
        "hasTrackDetails": details,
        "hcalFraction": c["hcal_fraction"],
        "rawCaloFraction": c["raw_calo_fraction"],
        **hits,
        # point of closest approach to the primary vertex; neutral candidates start there
        "vertex_x": events["pv_x"][tau] - c["dxy"] * np.sin(c["phi"]),
        "vertex_y": events["pv_y"][tau] + c["dxy"] * np.cos(c["phi"]),
        "vertex_z": events["pv_z"][tau] + c["dz"],
    }
    return cones.valid.sum(axis=1), {f"pfCand_{name}": values for name, values in table.items()}


def _objects(cones: Cones, flag: str) -> tuple[np.ndarray, Columns]:
    mask = cones.valid & cones[flag]
    return mask.sum(axis=1), {name: values[mask] for name, values in cones.columns.items()}


def collection_columns(cones: Cones, events: Columns, rng: np.random.Generator) -> dict[str, ak.Array]:
    """Return the pfCand_, ele_ and muon_ branches, one list per tau.

    Args:
        cones: candidates around each tau.
        events: pv_x, pv_y, pv_z of the event of each tau.
        rng: source of the sampled branches.
    """
    flat = [_pf_columns(cones, events, rng)]
    electrons, electron_objects = _objects(cones, "electron")
    muons, muon_objects = _objects(cones, "muon")
    flat.append((electrons, electron_columns(electron_objects, rng)))
    flat.append((muons, muon_columns(muon_objects, rng)))
    return {
        name: ak.unflatten(values.astype(np.float32) if values.dtype.kind == "f" else values.astype(np.int32), counts)
        for counts, table in flat
        for name, values in table.items()
    }
