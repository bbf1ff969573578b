"""Which jets are for training, validation and test: a hash of (seed, content of the jet) decides.

The answer for a jet depends neither on other jets nor on order or blocks, and a jet that the data hold twice is in one set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from TauAdv.hashing import hash_fraction, hash_rows
from TauAdv.jets.columns import Jets

__all__ = ["SETS", "assign_sets", "jet_ids", "pulls"]

SETS = ("train", "val", "test")


def jet_ids(jets: Jets) -> NDArray[np.uint64]:
    """Return a number of the content of each jet: its own variables, its number of tracks and its first track.

    The number is the same whatever number of tracks was extracted.
    """
    chosen = [number for number, column in enumerate(jets.columns) if not column.track]
    values = jets.values[:, chosen] + np.float32(0)  # -0 becomes 0
    values[np.isnan(values)] = np.float32(np.nan)
    return hash_rows(np.column_stack([values.view(np.uint32), jets.n_tracks.astype(np.uint32)]))


def assign_sets(ids: NDArray[np.uint64], fractions: Sequence[float], seed: int) -> NDArray[np.int8]:
    """Return the number of the set of each jet (0 train, 1 val, 2 test).

    Args:
        ids: of the jets (:func:`jet_ids`).
        fractions: expected fractions of the sets; they add up to 1.
        seed: another one gives an independent split.
    """
    edges = np.cumsum(fractions)[:-1]
    return np.searchsorted(edges, hash_fraction(seed, [ids]), side="right").astype(np.int8)


def pulls(counts: NDArray[np.int64], fractions: Sequence[float]) -> NDArray[np.float64]:
    """Return by how many binomial standard deviations the fractions of sets are off.

    Args:
        counts: jets per flavour and set [flavours, sets].
        fractions: expected.
    """
    expected = np.asarray(fractions)
    total = counts.sum(axis=1, keepdims=True)
    sigma = np.sqrt(np.maximum(total, 1) * expected * (1 - expected))
    difference = counts - total * expected
    return np.divide(difference, sigma, out=np.zeros_like(difference), where=sigma > 0)
