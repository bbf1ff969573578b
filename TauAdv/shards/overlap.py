"""Taus or jets that two sets have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.shards.store import ShardSet

__all__ = ["common_rows", "of_one_split"]


def common_rows(one: ShardSet, other: ShardSet) -> int:
    """Return how many rows of ``one`` are in ``other``, too.

    Taus are compared by run, lumi, event, data set, pt, eta and decay mode, jets by their content.
    """
    if one.rows_name != other.rows_name:
        return 0
    return int(np.isin(_identities(one), _identities(other)).sum())


def _identities(shards: ShardSet) -> NDArray[np.uint64]:
    """Return one number per row; equal identities have equal numbers."""
    return pd.util.hash_pandas_object(pd.DataFrame(shards.columns(shards.row_type.same)), index=False).to_numpy()


def of_one_split(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two manifests are of different sets of jets of one preparation: these have no jet in common."""
    settings = [manifest.get("settings", {}) for manifest in (one, other)]
    sets = [found.get("set") for found in settings]
    parts = [{**found, "set": None} for found in settings]
    return None not in sets and sets[0] != sets[1] and parts[0] == parts[1] and one["inputs"] == other["inputs"]
