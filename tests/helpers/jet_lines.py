"""Lines in the format of the Jet Flavor dataset, made without the library."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

GROUPS = (5, 15, 1, 7)


def random_jet(rng: np.random.Generator, n_tracks: int, flavour: int = 5) -> list:
    """Return one jet as nested lists; some entries are the dataset's words."""

    def numbers(size: int) -> list:
        return [float(f"{value:.6g}") for value in rng.normal(size=size)]

    tracks = []
    for _ in range(n_tracks):
        track = [numbers(size) for size in GROUPS]
        track[1][0] = abs(track[1][0]) + 0.1
        track[3][2:4] = ["NaN", "NaN"]
        tracks.append(track)
    vertex = [-1, -1, -1, "inf", -1, "-inf"]
    return [30.5, numbers(1)[0], flavour, [*numbers(4), 2, *numbers(3)], vertex, tracks]


def random_jets(number: int, seed: int = 0, most_tracks: int = 9) -> list[list]:
    """Return jets ordered by flavour."""
    rng = np.random.default_rng(seed)
    flavours = np.sort(rng.choice([0, 4, 5], number))[::-1]
    return [random_jet(rng, int(rng.integers(1, most_tracks + 1)), int(flavour)) for flavour in flavours]


def as_line(jet: object) -> bytes:
    """Return one line, without line end."""
    return json.dumps(jet).encode()


def write_lines(path: Path, lines: list[bytes]) -> Path:
    """Write a gzip file of lines."""
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), 6))
    return path
