"""What jets need of the generator besides particles and leptons: the heavy hadrons that name the flavour of a jet."""

from __future__ import annotations

import numpy as np

from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import kinematics
from TauAdv.simulation.truth import TAU_EVENTS, KeptOfEvents, reduce_record

__all__ = ["JET_EVENTS", "has_quark", "reduce_jet_record"]


def has_quark(pdg_id: np.ndarray, flavour: int) -> np.ndarray:
    """Return which particles are hadrons whose heaviest quark is ``flavour`` (4 or 5), by their Monte Carlo numbers."""
    digits = np.abs(pdg_id) % 10_000
    baryon, meson = digits // 1000, digits // 100 % 10
    return (np.abs(pdg_id) > 100) & ((baryon == flavour) | ((baryon == 0) & (meson == flavour)))


def _weakly_decaying(record: Columns, flavour: int) -> np.ndarray:
    """Return the rows of hadrons of a flavour without a daughter of it."""
    hadron = has_quark(record["pdg_id"], flavour) & (record["status"] < 0)
    mothers = record["mother"][hadron]
    hadron[mothers[mothers >= 0]] = False
    return np.flatnonzero(hadron)


def reduce_jet_record(record: Columns) -> list[Columns]:
    """Return the particles and leptons of :func:`TauAdv.simulation.truth.reduce_record`, and weakly decaying heavy hadrons.

    Args:
        record: event record of :func:`TauAdv.simulation.generator.generate`.

    Returns:
        Three tables ordered by event; hadrons have the columns event, flavour (4, 5), pt, eta, phi.
    """
    rows = [_weakly_decaying(record, flavour) for flavour in (4, 5)]
    hadrons = np.concatenate(rows)
    flavour = np.repeat([4, 5], [len(found) for found in rows])
    order = np.argsort(record["event"][hadrons], kind="stable")
    hadrons = hadrons[order]
    p4 = np.stack([record[name][hadrons] for name in ("px", "py", "pz", "energy")], axis=-1)
    pt, eta, phi, _ = kinematics(p4)
    table = {
        "event": record["event"][hadrons].astype(np.int32),
        "flavour": flavour[order].astype(np.int32),
        **{name: values.astype(np.float32) for name, values in (("pt", pt), ("eta", eta), ("phi", phi))},
    }
    return [*reduce_record(record), table]


JET_EVENTS = KeptOfEvents((*TAU_EVENTS.tables, "hadrons"), reduce_jet_record, mark=("jets",))
"""What the simulation of jets needs."""
