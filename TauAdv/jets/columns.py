"""Jets as columns: variables of the jet and of its most displaced tracks, padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from TauAdv.errors import InputError
from TauAdv.jets.reading.parsing import RawJets
from TauAdv.jets.schema import TARGET, Column, JetTable

__all__ = ["Jets", "arrange", "concatenate_jets", "signed_significance"]

_D0, _D0D0 = 0, 5


def signed_significance(track: np.ndarray) -> np.ndarray:
    """Return D0 / sqrt(D0D0) of tracks [n, 28]; NaN where the variance is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(track[:, _D0D0] > 0, track[:, _D0] / np.sqrt(track[:, _D0D0]), np.nan)


@dataclass(frozen=True)
class Jets:
    """Jets as read, nothing replaced: absent values are NaN, inf, -inf or -1 as in the file, padding is NaN.

    Attributes:
        line: number of the jet's line in its file, from 1, int64 [n]: its identity.
        n_tracks: tracks of the jet, also beyond the columns, int32 [n].
        values: float32 [n, 17 + 28 k]: variables of the jet, then variable by variable those of track 0 ... k - 1.
        columns: what the columns are.
    """

    line: np.ndarray
    n_tracks: np.ndarray
    values: np.ndarray
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.line)

    @property
    def flavor(self) -> np.ndarray:
        """Flavours 5, 4, 0 as in the file, int32 [n]."""
        return self[self.columns[TARGET].name].astype(np.int32)

    @property
    def padding(self) -> np.ndarray:
        """Boolean [n, columns]: entries of tracks that the jet does not have."""
        track = np.array([-1 if column.track is None else column.track for column in self.columns])
        return track[None, :] >= self.n_tracks[:, None]

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column by name, float32 [n]."""
        for number, column in enumerate(self.columns):
            if column.name == name:
                return self.values[:, number]
        msg = f"no column '{name}' among the {len(self.columns)} columns of these jets"
        raise InputError(msg)

    def take(self, rows: np.ndarray | slice) -> Jets:
        """Return jets by number, mask or slice."""
        return Jets(self.line[rows], self.n_tracks[rows], self.values[rows], self.columns)


def concatenate_jets(parts: Sequence[Jets]) -> Jets:
    """Return the jets of several tables of equal columns."""
    line, n_tracks, values = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("line", "n_tracks", "values")
    )
    return Jets(line, n_tracks, values, parts[0].columns)


def arrange(raw: RawJets, table: JetTable, n_tracks: int) -> Jets:
    """Return the columns of jets as read, tracks by decreasing signed D0 / sqrt(D0D0), the first ``n_tracks`` of them.

    Tracks without a significance come last; equal ones keep the order of the file (arXiv:1607.08633).
    """
    columns = table.columns(n_tracks)
    rows, heads = len(raw.line), raw.jet.shape[1]
    values = np.full((rows, len(columns)), np.nan, dtype=np.float32)
    jet = np.repeat(np.arange(rows), raw.n_tracks)
    significance = signed_significance(raw.track)
    order = np.lexsort((-significance, jet))  # NaN sorts last
    rank = np.arange(len(jet)) - np.repeat(np.cumsum(raw.n_tracks) - raw.n_tracks, raw.n_tracks)
    kept = rank < n_tracks
    with np.errstate(over="ignore"):
        values[:, :heads] = raw.jet
        by_track = values[:, heads:].reshape(rows, len(table.track), n_tracks)
        by_track[jet[kept], :, rank[kept]] = raw.track[order[kept]]
        values[:, heads:] = by_track.reshape(rows, len(table.track) * n_tracks)
    return Jets(raw.line, raw.n_tracks.astype(np.int32), values, columns)
