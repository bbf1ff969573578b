"""Small tuples for the tests of shards, and a small feature table that they fit."""

from pathlib import Path

import awkward as ak
import numpy as np

from TauAdv.tuples.writer import TupleWriter

TABLE = """
name: small
object_types: {pfCand_particleType: [1, 4]}
grids:
  inner: {cells: 3, cell_size: 0.1, cone: "0.2"}
  outer: {cells: 5, cell_size: 0.1, cone: "0.4"}
tensors:
  tau: [Flat]
  egamma: [Global, Gamma]
  hadrons: [Global, Hadron]
blocks:
  Flat:
    features: {tau_pt: {scaling: [50, 20]}, tau_eta: {}, tau_mass: {}}
  Global:
    features: {tau_pt: {kind: linear, scaling: [50, 50]}, tau_eta: {}}
  Gamma:
    collection: pfCand
    select: pfCand_particleType == 4
    features: {valid: {value: 1}, pt: {value: pfCand_pt / tau_pt}, mass: {value: pfCand_mass}}
  Hadron:
    collection: pfCand
    select: pfCand_particleType == 1
    features: {valid: {value: 1}, pt: {value: pfCand_pt / tau_pt}}
"""

E, MU, TAU, JET, NOTHING, DATA = range(6)
"""What a made-up tau is; the first four are the tau types of simulation."""


def tuple_arrays(kinds, seed: int = 0) -> ak.Array:
    """Return taus of the given kinds with random features; ``evt`` counts from 0, ``dataset_id`` is 0 for data, else 1."""
    rng = np.random.default_rng(seed)
    kinds = np.asarray(kinds)
    n = len(kinds)
    lepton = np.select([kinds == E, kinds == MU, kinds == TAU], [1, 2, 5], 0)
    eta, phi = rng.uniform(-2, 2, n), rng.uniform(-3, 3, n)
    columns = {
        "run": np.ones(n, np.uint32),
        "lumi": np.full(n, 7, np.uint32),
        "evt": np.arange(n, dtype=np.uint64),
        "dataset_id": (kinds != DATA).astype(np.uint64),
        "sampleType": (kinds != DATA).astype(np.int32),
        "tauType": np.where(kinds == DATA, 8, 3).astype(np.int32),
        "genLepton_index": np.where(lepton > 0, 0, -1).astype(np.int32),
        "genLepton_kind": lepton.astype(np.int32),
        "genLepton_vis_pt": np.full(n, 30, np.float32),
        "genLepton_vis_eta": eta.astype(np.float32),
        "genLepton_vis_phi": phi.astype(np.float32),
        "genJet_index": np.where(kinds == JET, 0, -1).astype(np.int32),
        "tau_index": np.zeros(n, np.int32),
        "tau_pt": rng.uniform(20, 200, n).astype(np.float32),
        "tau_eta": eta.astype(np.float32),
        "tau_phi": phi.astype(np.float32),
        "tau_mass": rng.normal(size=n).astype(np.float32),
        "tau_decayMode": rng.choice([0, 1, 10], n).astype(np.int32),
        "tau_byDeepTau2017v2p1VSjetraw": rng.uniform(0, 1, n).astype(np.float32),
    }
    counts = rng.integers(0, 6, n)
    tau = np.repeat(np.arange(n), counts)
    objects = {
        "pfCand_pt": rng.uniform(1, 20, len(tau)),
        "pfCand_eta": eta[tau] + rng.uniform(-0.2, 0.2, len(tau)),
        "pfCand_phi": phi[tau] + rng.uniform(-0.1, 0.1, len(tau)),
        "pfCand_mass": rng.normal(size=len(tau)),
    }
    jagged = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in objects.items()}
    jagged["pfCand_particleType"] = ak.unflatten(rng.choice([1, 4], len(tau)).astype(np.int32), counts)
    return ak.zip({**columns, **jagged}, depth_limit=1)


def write_tuple(path: Path, kinds, seed: int = 0, **changed) -> Path:
    """Write :func:`tuple_arrays`, with columns replaced or (``None``) left out."""
    arrays = tuple_arrays(kinds, seed)
    columns = {name: arrays[name] for name in arrays.fields} | changed
    with TupleWriter(path) as writer:
        writer.extend({name: values for name, values in columns.items() if values is not None})
    return path
