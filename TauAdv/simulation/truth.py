"""What the generator knows: stable visible particles, prompt leptons and taus with their visible decay products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import kinematics

__all__ = ["TAU_EVENTS", "KeptOfEvents", "LeptonKind", "reduce_record"]

_NEUTRINOS = (12, 14, 16)
_BOSONS = (23, 24, 25)
_MAX_ETA = 3.0
_MAX_GENERATIONS = 60
_MAX_TAU_GENERATIONS = 12


class LeptonKind:
    """Values of ``genLepton_kind`` (TauMLTools)."""

    ELECTRON = 1
    MUON = 2
    TAU_TO_ELECTRON = 3
    TAU_TO_MUON = 4
    TAU_TO_HADRONS = 5


def _prompt(record: Columns, rows: np.ndarray) -> np.ndarray:
    """Return whether particles come from a Z, W or Higgs boson through copies of themselves or taus only."""
    pdg = np.abs(record["pdg_id"])
    current = rows.copy()
    prompt = np.zeros(len(rows), dtype=bool)
    active = np.ones(len(rows), dtype=bool)
    for _ in range(_MAX_GENERATIONS):
        mother = np.where(active, record["mother"][current], -1)
        active &= mother >= 0
        above = np.where(active, pdg[mother], 0)
        prompt |= np.isin(above, _BOSONS)
        active &= above == pdg[rows]
        if not active.any():
            break
        current = np.where(active, mother, current)
    return prompt


def _tau_ancestor(record: Columns, rows: np.ndarray) -> np.ndarray:
    """Return the row of the nearest tau above each particle, -1 where there is none."""
    pdg = np.abs(record["pdg_id"])
    current, ancestor = rows.copy(), np.full(len(rows), -1, dtype=np.int64)
    for _ in range(_MAX_TAU_GENERATIONS):
        current = np.where(current >= 0, record["mother"][current], -1)
        found = (current >= 0) & (pdg[current] == 15) & (ancestor < 0)
        ancestor[found] = current[found]
    return ancestor


def _sum_products(record: Columns, taus: np.ndarray, products: np.ndarray, tau_of: np.ndarray) -> Columns:
    """Return visible four-momentum, decay kind and true decay mode of each tau.

    Args:
        record: event record.
        taus: rows of the taus.
        products: rows of the stable products.
        tau_of: index into ``taus`` of each product.
    """
    pdg = np.abs(record["pdg_id"][products])
    mother = record["mother"][products]
    visible = ~np.isin(pdg, _NEUTRINOS)

    def count(selected: np.ndarray) -> np.ndarray:
        return np.bincount(tau_of, weights=selected, minlength=len(taus)).astype(np.int64)

    table = {
        name: np.bincount(tau_of, weights=np.where(visible, record[name][products], 0.0), minlength=len(taus))
        for name in ("px", "py", "pz", "energy")
    }
    kind = np.full(len(taus), LeptonKind.TAU_TO_HADRONS)
    kind[count(pdg == 12) > 0] = LeptonKind.TAU_TO_ELECTRON
    kind[count(pdg == 14) > 0] = LeptonKind.TAU_TO_MUON
    from_pi0 = (pdg == 22) & (mother >= 0) & (np.abs(record["pdg_id"][mother]) == 111)
    pi0, first = np.unique(mother[from_pi0], return_index=True)
    num_pi0 = np.bincount(tau_of[from_pi0][first], minlength=len(taus)) if len(pi0) else np.zeros(len(taus), dtype=np.int64)
    prongs = count(np.isin(pdg, (211, 321)))
    # convention of the reconstructed modes: 5 (charged prongs - 1) + neutral pions
    table["decay_mode"] = np.where(kind == LeptonKind.TAU_TO_HADRONS, 5 * (prongs - 1) + np.minimum(num_pi0, 4), -1)
    table["kind"] = kind
    return table


def _taus(record: Columns, stable: np.ndarray) -> Columns:
    ancestor = _tau_ancestor(record, stable)
    nu_tau = np.abs(record["pdg_id"][stable]) == 16
    last_copies = np.unique(ancestor[nu_tau & (ancestor >= 0)])
    taus = last_copies[_prompt(record, last_copies)]
    # photons radiated before the decay have an earlier copy as mother: they are no decay products
    from_tau = np.isin(ancestor, taus)
    table = _sum_products(record, taus, stable[from_tau], np.searchsorted(taus, ancestor[from_tau]))
    table["event"] = record["event"][taus]
    table["charge"] = -np.sign(record["pdg_id"][taus])
    return table


def _light_leptons(record: Columns, stable: np.ndarray) -> Columns:
    rows = stable[np.isin(np.abs(record["pdg_id"][stable]), (11, 13))]
    rows = rows[_prompt(record, rows)]
    electron = np.abs(record["pdg_id"][rows]) == 11
    return {
        **{name: record[name][rows] for name in ("px", "py", "pz", "energy", "event")},
        "kind": np.where(electron, LeptonKind.ELECTRON, LeptonKind.MUON),
        "decay_mode": np.full(len(rows), -1),
        "charge": -np.sign(record["pdg_id"][rows]),
    }


def reduce_record(record: Columns) -> list[Columns]:
    """Return the particles that the detector sees, and the generated leptons.

    Args:
        record: event record of :func:`TauAdv.simulation.generator.generate`.

    Returns:
        Particles (event, pdg_id, px, py, pz, energy in GeV, vx, vy, vz in mm; stable, visible, |eta| < 3) and leptons
        (event, kind, charge, decay_mode, pt, eta, phi, mass; prompt e and mu, last copies of prompt taus with their visible
        decay products), both ordered by event.
    """
    stable = np.flatnonzero(record["status"] > 0)
    pt = np.hypot(record["px"][stable], record["py"][stable])
    visible = ~np.isin(np.abs(record["pdg_id"][stable]), _NEUTRINOS)
    central = np.abs(record["pz"][stable]) < np.sinh(_MAX_ETA) * pt
    kept = stable[visible & central]
    particles = {name: record[name][kept].astype(np.float32) for name in ("px", "py", "pz", "energy", "vx", "vy", "vz")}
    particles["pdg_id"] = record["pdg_id"][kept].astype(np.int32)
    particles["event"] = record["event"][kept].astype(np.int32)
    leptons = [_taus(record, stable), _light_leptons(record, stable)]
    joined = {name: np.concatenate([table[name] for table in leptons]) for name in leptons[1]}
    order = np.argsort(joined["event"], kind="stable")
    p4 = np.stack([joined[name] for name in ("px", "py", "pz", "energy")], axis=-1)[order]
    table = dict(zip(("pt", "eta", "phi", "mass"), (x.astype(np.float32) for x in kinematics(p4)), strict=True))
    for name in ("event", "kind", "charge", "decay_mode"):
        table[name] = joined[name][order].astype(np.int32)
    return [particles, table]


@dataclass(frozen=True)
class KeptOfEvents:
    """What is kept of generated events.

    Attributes:
        tables: their names.
        reduce: makes the tables of an event record.
        mark: words that tell its cached files from those of other content.
    """

    tables: tuple[str, ...]
    reduce: Callable[[Columns], list[Columns]]
    mark: tuple[str, ...] = ()


TAU_EVENTS = KeptOfEvents(("particles", "leptons"), reduce_record)
"""What the simulation of taus needs."""
