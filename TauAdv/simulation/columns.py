"""Flat tables: one numpy array per column, all of one length, and the few operations the simulation needs on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["Columns", "concatenate", "num_rows", "ragged_rows", "take"]

Columns = dict[str, np.ndarray]


def num_rows(columns: Columns) -> int:
    """Return the common length of the columns (0 for a table without columns)."""
    return len(next(iter(columns.values()))) if columns else 0


def take(columns: Columns, rows: np.ndarray) -> Columns:
    """Return the rows (indices or a boolean mask) of every column."""
    return {name: values[rows] for name, values in columns.items()}


def concatenate(tables: Sequence[Columns]) -> Columns:
    """Return the tables one below the other; the columns of the first table are kept."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def ragged_rows(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return ``[starts[0], starts[0]+1, ... (counts[0] of them), starts[1], ...]``."""
    ends = np.cumsum(counts)
    return np.repeat(starts - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
