"""Jets of an event sample: anti-kT clusters, their flavour, and their tracks as padded arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from TauAdv.jets.schema import JetTable
from TauAdv.simulation.columns import Columns, take
from TauAdv.simulation.geometry import delta_phi, nearest_object, neighbours
from TauAdv.simulation.reconstruction.clustering import cluster

__all__ = ["JetTracks", "find_jets", "gather_tracks"]

_RADIUS = 0.4
_MAX_ETA = 2.5
_MIN_HADRON_PT = 5.0
_LEPTON_RADIUS, _MIN_LEPTON_PT = 0.5, 8.0


@dataclass(frozen=True)
class JetTracks:
    """Tracks of each jet, highest pt first: arrays [jets, k, ...], arbitrary where ``valid`` is False.

    Attributes:
        valid: which entries are tracks.
        columns: pt, eta, phi, perigee [.., 5], covariance [.., 5, 5], deta, dphi (to the jet), energy, momentum [.., 3].
    """

    valid: np.ndarray
    columns: Columns

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column."""
        return self.columns[name]

    @property
    def counts(self) -> np.ndarray:
        """Number of tracks of each jet."""
        return self.valid.sum(axis=1)

    def total(self, values: np.ndarray, selected: np.ndarray) -> np.ndarray:
        """Return the sum of ``values`` [jets, k, ...] over the selected tracks."""
        selected = selected.reshape(selected.shape + (1,) * (values.ndim - 2))
        return np.where(selected, values, 0).sum(axis=1)


def find_jets(candidates: Columns, leptons: Columns, hadrons: Columns, num_events: int, min_pt: float) -> Columns:
    """Return jets: event, pt, eta, phi, mass, flavour (5, 4, 0); |eta| < 2.5, none within 0.5 of a prompt lepton.

    The flavour is 5 (4) for a jet with a b (else c) hadron of pt > 5 GeV within 0.4.
    """
    jets = cluster(candidates["event"], candidates["p4"], num_events, min_pt)
    central: np.ndarray = np.abs(jets["eta"]) < _MAX_ETA
    jets = take(jets, central)
    axes = (jets["event"], jets["eta"], jets["phi"])
    leptons = take(leptons, leptons["pt"] > _MIN_LEPTON_PT)
    hadrons = take(hadrons, hadrons["pt"] > _MIN_HADRON_PT)
    flavour = np.zeros(len(jets["pt"]), dtype=np.int32)
    for quark in (4, 5):
        flavour[nearest_object(take(hadrons, hadrons["flavour"] == quark), axes, _RADIUS) >= 0] = quark
    alone: np.ndarray = nearest_object(leptons, axes, _LEPTON_RADIUS) < 0
    return take(jets | {"flavour": flavour}, alone)


@cache
def _max_tracks() -> int:
    return JetTable.load().max_tracks


def gather_tracks(tracks: Columns, jets: Columns) -> tuple[Columns, JetTracks]:
    """Return the jets that have tracks within 0.4, and these tracks (as many as the table of variables allows)."""
    table = neighbours(tracks, (jets["event"], jets["eta"], jets["phi"]), _RADIUS, _max_tracks())
    kept = np.flatnonzero((table >= 0).any(axis=1))
    jets, table = take(jets, kept), table[kept]
    table = table[:, : max(int((table >= 0).sum(axis=1).max(initial=1)), 1)]
    valid, rows = table >= 0, np.maximum(table, 0)
    columns = {name: values[rows] for name, values in tracks.items() if name != "event"}
    columns["deta"] = columns["eta"] - jets["eta"][:, None]
    columns["dphi"] = delta_phi(columns["phi"], jets["phi"][:, None])
    pt, eta, phi = (columns[name] for name in ("pt", "eta", "phi"))
    columns["momentum"] = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)
    columns["energy"] = np.sqrt((pt * np.cosh(eta)) ** 2 + 0.13957**2)
    return jets, JetTracks(valid, columns)
