"""The same tau or jet twice: the files of the input overlap, or a file was given under two names or joined twice."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputWarning
from TauAdv.shards.files import PartReader

__all__ = ["TAU_KEY", "RepeatedJets", "count_repeated", "warn_of_repeated"]

TAU_KEY = ("run", "lumi", "evt", "tau_index", "tau_pt", "tau_eta", "tau_decayMode")
"""What makes a tau that tau; ``tau_index`` where the tuple has it. The kinematics tell simulated samples apart that number
their events alike."""

_MOST_HASHES = 1 << 24
"""Hashes in memory at a time (128 MiB); more taus are compared in several passes over the columns of the key, of more jets
a part that their hashes choose: jets are read once."""


def count_repeated(readers: Sequence[PartReader], num_taus: int) -> int:
    """Return how many taus of a set are there once before.

    Taus are compared by 64-bit hashes of :data:`TAU_KEY`: among n different ones, some two have equal hashes with a chance
    of n**2 / 2**65 (3e-6 for 10 million).
    """
    passes = -(-num_taus // _MOST_HASHES)
    return sum(_repeated_in_pass(readers, number, passes) for number in range(passes))


def _repeated_in_pass(readers: Sequence[PartReader], number: int, passes: int) -> int:
    found = [np.empty(0, np.uint64)]
    for reader in readers:
        hashes = _hashes(reader)
        found.append(hashes[hashes % np.uint64(passes) == number] if passes > 1 else hashes)
    return _repeated_among(found)


def _repeated_among(hashes: Sequence[NDArray[np.uint64]]) -> int:
    together = np.concatenate(hashes)
    return len(together) - len(np.unique(together))


def _hashes(reader: PartReader) -> NDArray[np.uint64]:
    names = [name for name in TAU_KEY if name in reader.column_names]
    import pandas as pd  # half a second, in every worker process

    return pd.util.hash_pandas_object(pd.DataFrame(reader.all_columns(names)), index=False).to_numpy()


def warn_of_repeated(output: Path | str, manifest: Mapping[str, Any]) -> None:
    """Warn if taus are more than once in a set."""
    counts = manifest["counts"]
    if counts["repeated"]:
        msg = (
            f"{output}: {counts['repeated']} of {counts['taus']} taus are there twice (same run, lumi, evt and tau); do the "
            "input files overlap?"
        )
        warnings.warn(msg, InputWarning, stacklevel=3)


class RepeatedJets:
    """Counts jets whose content was there once before, while they are read.

    Args:
        total: number of jets that will be read.
    """

    def __init__(self, total: int) -> None:
        self.total, self.share = total, max(1, -(-total // _MOST_HASHES))
        self._found: dict[int, list[NDArray[np.uint64]]] = {}

    def add(self, ids: NDArray[np.uint64], sample: int = 0) -> None:
        """Take note of jets (:func:`TauAdv.jets.splitting.jet_ids`); a jet may be in several samples, once in each."""
        chosen = ids[ids % np.uint64(self.share) == 0] if self.share > 1 else ids.copy()
        self._found.setdefault(sample, []).append(chosen)

    def count(self) -> int:
        """Return the number of repeated jets; of more than 16 million jets, an estimate from a part of them."""
        return self.share * sum(_repeated_among(found) for found in self._found.values())

    def warn(self, count: int, folders: str) -> None:
        """Warn if there are any."""
        if count:
            number = f"{count}" if self.share == 1 else f"about {count}"
            msg = (
                f"{folders}: {number} of {self.total} jets repeat an earlier one (same variables, same number of tracks); "
                "do the inputs overlap, or was a file joined with itself?"
            )
            warnings.warn(msg, InputWarning, stacklevel=3)
