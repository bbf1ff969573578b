"""The same tau twice in a set: the files of the input overlap, or a file was given under two names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.errors import InputWarning
from TauAdv.shards.files import PartReader

__all__ = ["TAU_KEY", "count_repeated", "warn_of_repeated"]

TAU_KEY = ("run", "lumi", "evt", "tau_index", "tau_pt", "tau_eta", "tau_decayMode")
"""What makes a tau that tau; ``tau_index`` where the tuple has it. The kinematics tell simulated samples apart that number
their events alike."""

_MOST_HASHES = 1 << 24
"""Hashes in memory at a time (128 MiB); more taus are compared in several passes over the columns of the key."""


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
    together = np.concatenate(found)
    return len(together) - len(np.unique(together))


def _hashes(reader: PartReader) -> NDArray[np.uint64]:
    names = [name for name in TAU_KEY if name in reader.column_names]
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
