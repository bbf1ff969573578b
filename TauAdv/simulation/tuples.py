"""From generated events to the branches of a tau tuple."""

from __future__ import annotations

from typing import Any

import numpy as np

from TauAdv.simulation.columns import Columns, take
from TauAdv.simulation.detector.pileup import PileupLibrary, overlay
from TauAdv.simulation.detector.response import respond
from TauAdv.simulation.reconstruction.candidates import collection_columns
from TauAdv.simulation.reconstruction.cones import Cones, gather_cones
from TauAdv.simulation.reconstruction.impact import PV_ERRORS, impact_columns, vertex_columns
from TauAdv.simulation.reconstruction.isolation import calorimeter_columns, isolation_columns, strip_columns
from TauAdv.simulation.reconstruction.labels import generator_columns, is_ambiguous
from TauAdv.simulation.reconstruction.surrogate import surrogate_columns, surrogate_inputs
from TauAdv.simulation.reconstruction.taus import reconstruct_taus
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["TauTable", "simulate_events"]

#: Branch name -> numpy array, or awkward array of one list per tau.
TauTable = dict[str, Any]


def _tau_columns(taus: Columns, cones: Cones, events: Columns, rng: np.random.Generator) -> Columns:
    table = {f"tau_{name}": taus[name] for name in ("pt", "eta", "phi", "mass", "charge")}
    table.update(isolation_columns(taus, cones))
    table.update(strip_columns(taus, cones))
    table.update(calorimeter_columns(taus, cones, events["pv_z"]))
    table.update(impact_columns(cones, rng))
    table.update(vertex_columns(taus, cones, events))
    table.update(surrogate_columns(surrogate_inputs(taus, table, cones)))
    table["tau_decayMode"] = taus["decay_mode"]
    table["tau_decayModeFinding"] = (taus["decay_mode"] < 5).astype(np.int32)
    return table


def _event_columns(taus: Columns, events: Columns) -> Columns:
    """Return the event branches; those of every tau of the event, the index counts the taus in it."""
    rows = len(taus["event"])
    errors = {f"pv_{axis}E": np.full(rows, error) for axis, error in zip("xyz", PV_ERRORS, strict=True)}
    ones = {
        "tau_decayModeFindingNewDMs": 1,
        "has_extramuon": 0,
        "has_extraelectron": 0,
        "has_dimuon": 0,
        "has_dielectron": 0,
    }
    return {
        **{name: events[name] for name in ("npv", "npu", "rho", "pv_x", "pv_y", "pv_z", "pv_chi2", "pv_ndof")},
        **errors,
        **{name: np.full(rows, value, dtype=np.int32) for name, value in ones.items()},
        "tau_index": np.arange(rows) - np.searchsorted(taus["event"], taus["event"]),
        "genEventWeight": np.ones(rows),
        "trainingWeight": np.ones(rows),
        "dataset_id": np.zeros(rows, dtype=np.uint64),
        "dataset_group_id": np.zeros(rows, dtype=np.uint64),
    }


def simulate_events(
    tables: list[Columns],
    num_events: int,
    library: PileupLibrary,
    settings: DetectorSettings,
    rng: np.random.Generator,
) -> TauTable:
    """Return the branches of all tau candidates of generated events, generator information included.

    Candidates near a prompt lepton that they are not matched to are left out.

    Args:
        tables: particles and leptons of :func:`TauAdv.simulation.truth.reduce_record`.
        num_events: number of events.
        library: pile-up.
        settings: response of the detector.
        rng: source of all random numbers.

    Returns:
        Tuple branches, ``event`` (number of the event within ``tables``) and ``sim_genDecayMode``.
    """
    particles, leptons = tables
    response = respond(particles, settings, rng)
    candidates, event_table = overlay(response, num_events, library, settings, rng)
    taus, signal = reconstruct_taus(candidates, num_events)
    truth = generator_columns(taus, particles, leptons, num_events)
    cones = gather_cones(candidates, taus, signal)
    events = take(event_table, taus["event"])
    table: TauTable = {"event": taus["event"], **_event_columns(taus, events), **truth}
    table["sampleType"] = np.ones(len(taus["event"]), dtype=np.int32)
    table.update(_tau_columns(taus, cones, events, rng))
    table.update(collection_columns(cones, events, rng))
    kept = ~is_ambiguous(truth)
    return {name: values[kept] for name, values in table.items()}
