"""Tau tuples as Parquet files."""

from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def as_table(taus: ak.Array) -> pa.Table:
    """Return branches as Arrow columns: numbers, or lists of numbers."""
    return pa.table({name: _column(taus[name]) for name in taus.fields})


def _column(values: ak.Array) -> pa.Array:
    if values.ndim == 1:
        return pa.array(np.asarray(values))
    offsets = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(values)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(ak.to_numpy(ak.flatten(values))))


def write_parquet(path: Path, taus: ak.Array, **options) -> Path:
    """Write tuples with pyarrow; ``options`` as ``row_group_size``."""
    pq.write_table(as_table(taus), path, **options)
    return path
