"""From the branches of one file to those asked for: counters that are computed, numbers widened to those of other files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import numpy as np

from TauAdv.tuples.branches.in_files import FileBranches
from TauAdv.tuples.branches.records import contents_of, of_columns

__all__ = ["as_asked", "stored_names"]


def stored_names(names: Sequence[str], branches: FileBranches) -> list[str]:
    """Return the branches to read from a file: for a counter that it does not have, the list whose values it counts."""
    return list(dict.fromkeys(branches.computed.get(name, name) for name in names))


def as_asked(arrays: ak.Array, names: Sequence[str], path: Path, branches: FileBranches) -> ak.Array:
    """Return the branches asked for, from those that were read from ``path``."""
    wider = branches.conversions(path, names)
    if arrays.fields == list(names) and not wider:
        return arrays
    stored = contents_of(arrays)
    columns = {}
    for name in names:
        if name in branches.computed:
            columns[name] = ak.values_astype(ak.num(ak.Array(stored[branches.computed[name]]), axis=1), np.int32)
        else:
            columns[name] = ak.values_astype(ak.Array(stored[name]), wider[name]) if name in wider else stored[name]
    return of_columns(columns)
