"""Mean, variance and default of all 941 columns as published with arXiv:2203.13890."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["PublishedColumn", "published_columns"]

_FILE = Path(__file__).parent / "published_scalers.csv"


@dataclass(frozen=True)
class PublishedColumn:
    """What the original system published of one column, from 11.5 million jets; mean and variance without defaults.

    Attributes:
        name: of the column.
        mean, variance: in physical units.
        default: that stands for "absent", in physical units.
        scaled_default: (default - mean) / spread.
    """

    name: str
    mean: float
    variance: float
    default: float
    scaled_default: float


@lru_cache(maxsize=1)
def published_columns() -> dict[str, PublishedColumn]:
    """Return the published columns by name, in the order of the full index space."""
    names = ("mean", "variance", "default", "scaled_default")
    with _FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["name"]: PublishedColumn(row["name"], *(float(row[name]) for name in names)) for row in rows}
