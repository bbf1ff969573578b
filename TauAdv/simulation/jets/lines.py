"""Jets as lines of the Jet Flavor dataset: ``[pt, eta, flavor, [8], [6], [[[5], [15], [1], [7]], ...]]``."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from TauAdv.simulation.columns import Columns

__all__ = ["jet_lines", "round_digits", "write_lines"]

_DIGITS = 6
_GROUP = 2000
_TRACK_ENDS = ((0, 5), (5, 20), (20, 21), (21, 28))


def round_digits(values: np.ndarray, digits: int = _DIGITS) -> np.ndarray:
    """Return float64 values rounded to so many significant digits; NaN and infinities stay."""
    finite = np.isfinite(values) & (values != 0)
    exponent = digits - 1 - np.floor(np.log10(np.abs(np.where(finite, values, 1.0)))).astype(int)
    scale = 10.0 ** np.abs(exponent)  # a power that is exact, so that the result prints with so many digits
    rounded = np.where(exponent >= 0, np.rint(values * scale) / scale, np.rint(values / scale) * scale)
    return np.where(finite, rounded, values)


def _entries(values: np.ndarray) -> list[Any]:
    """Return rows as lists of numbers and words; whole numbers are written without a point, as the dataset does."""
    rounded = round_digits(values)
    entries = rounded.astype(object)
    whole = (np.abs(rounded) < 1e6) & (rounded == np.rint(rounded))
    entries[whole] = [int(value) for value in rounded[whole]]
    for word, found in (("NaN", np.isnan(rounded)), ("inf", np.isposinf(rounded)), ("-inf", np.isneginf(rounded))):
        entries[found] = word
    return entries.tolist()


def jet_lines(jets: Columns) -> Iterator[bytes]:
    """Yield the line of each jet, with its line end.

    Args:
        jets: jet [n, 17], track [sum of n_tracks, 28], n_tracks [n], see
            :func:`TauAdv.simulation.jets.variables.jet_quantities`.
    """
    ends = np.cumsum(jets["n_tracks"])
    for start in range(0, len(ends), _GROUP):
        stop = min(start + _GROUP, len(ends))
        first = ends[start] - jets["n_tracks"][start]
        heads = _entries(jets["jet"][start:stop])
        tracks = [[row[a:b] for a, b in _TRACK_ENDS] for row in _entries(jets["track"][first : ends[stop - 1]])]
        done = 0
        for head, number in zip(heads, jets["n_tracks"][start:stop].tolist(), strict=True):
            yield orjson.dumps([*head[:3], head[3:11], head[11:], tracks[done : done + number]]) + b"\n"
            done += number


def write_lines(path: Path, jets: Columns, level: int = 6) -> None:
    """Write jets to a gzip file; equal jets give equal bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as stream:
        for line in jet_lines(jets):
            stream.write(line)
