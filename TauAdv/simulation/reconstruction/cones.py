"""Candidates around each tau as padded arrays [taus, k]: the common input of isolation, vertices, leptons and tuples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.columns import Columns, num_rows
from TauAdv.simulation.detector.pileup import puppi_weights
from TauAdv.simulation.detector.response import ParticleType
from TauAdv.simulation.geometry import delta_r, neighbours

__all__ = ["Cones", "gather_cones"]

CONE_RADIUS = 0.5
_MOST = 96


@dataclass(frozen=True)
class Cones:
    """Candidates with dR < 0.5 of each tau, highest pt first; every array is [taus, k], 0 or False where ``valid`` is False.

    ``columns`` are those of the candidates; ``lead`` [taus] is the slot of the leading charged signal candidate.
    """

    columns: Columns
    valid: np.ndarray
    signal: np.ndarray
    distance: np.ndarray
    weight: np.ndarray
    lead: np.ndarray

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column of the candidates."""
        return self.columns[name]

    def of_lead(self, name: str) -> np.ndarray:
        """Return a column of the leading charged signal candidate [taus]."""
        return np.take_along_axis(self.columns[name], self.lead[:, None], axis=1)[:, 0]

    def total(self, selected: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Return the sum of ``values`` (default: pt) over the selected candidates of each tau."""
        return np.where(selected, self.columns["pt"] if values is None else values, 0).sum(axis=1)

    @property
    def charged(self) -> np.ndarray:
        """Return which candidates are tracks."""
        return self.valid & (self.columns["charge"] != 0)

    @property
    def photons(self) -> np.ndarray:
        """Return which candidates are photons."""
        return self.valid & (self.columns["particle_type"] == ParticleType.PHOTON)


def _signal_mask(table: np.ndarray, signal: Columns, num_candidates: int) -> np.ndarray:
    owned = np.sort(signal["tau"] * num_candidates + signal["candidate"])
    wanted = np.arange(len(table))[:, None] * num_candidates + table
    return (table >= 0) & np.isin(wanted, owned)


def gather_cones(candidates: Columns, taus: Columns, signal: Columns) -> Cones:
    """Return the candidates around each tau.

    Args:
        candidates: ordered by event.
        taus: from :func:`TauAdv.simulation.reconstruction.taus.reconstruct_taus`.
        signal: pairs of row numbers of the signal constituents.
    """
    axes = (taus["event"], taus["eta"], taus["phi"])
    table = neighbours(candidates, axes, CONE_RADIUS, _MOST)
    table = table[:, : max(int((table >= 0).sum(axis=1).max(initial=1)), 1)]
    valid, row = table >= 0, np.maximum(table, 0)
    columns = {name: np.where(valid, values[row], np.zeros(1, values.dtype)) for name, values in candidates.items()}
    is_signal = _signal_mask(table, signal, num_rows(candidates))
    distance = np.where(valid, delta_r(columns["eta"], columns["phi"], taus["eta"][:, None], taus["phi"][:, None]), np.inf)
    leading = np.where(is_signal & (columns["charge"] != 0), columns["pt"], -1).argmax(axis=1)
    return Cones(columns, valid, is_signal, distance, puppi_weights(candidates, axes, table), leading)
