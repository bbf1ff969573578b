"""Jets as one prepares them with json, pandas and scikit-learn: the way of the original, written again.

Extraction: a line at a time, strings to numbers, tracks sorted by signed significance, padded to 33, flattened variable by
variable, Parquet files of 50,000 lines. Preparation: all parts in memory, a column at a time, 184 inputs.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from TauAdv.jets.schema import TARGET, JetTable

LINES, MAX_TRACKS, INPUT_TRACKS, N_JET = 50_000, 33, 6, 17
D0, D0D0 = 0, 5
PADDING = -1000.0


def extract(source: str, folder: str) -> None:
    """Write a Parquet file of every 50,000 lines."""
    Path(folder).mkdir(exist_ok=True)
    names = [column.name for column in JetTable.load().columns(MAX_TRACKS)]
    rows: list[list[float]] = []
    parts = 0
    with gzip.open(source, "rt") as stream:
        for line in stream:
            rows.append(flat_row(json.loads(line)))
            if len(rows) == LINES:
                write_part(rows, names, f"{folder}/{parts:04d}.parquet")
                rows, parts = [], parts + 1
    if rows:
        write_part(rows, names, f"{folder}/{parts:04d}.parquet")


def flat_row(jet: list[Any]) -> list[float]:
    """Return the 941 numbers of a jet."""
    tracks = [numbers([value for group in track for value in group]) for track in jet[5]]
    tracks.sort(key=significance, reverse=True)
    padded = tracks + [[PADDING] * len(tracks[0])] * (MAX_TRACKS - len(tracks))
    row = numbers([*jet[:3], *jet[3], *jet[4]])
    for variable in zip(*padded, strict=True):
        row.extend(variable)
    return row


def numbers(values: list[Any]) -> list[float]:
    """Return strings such as "NaN" as numbers."""
    return [float(value) if isinstance(value, str) else value for value in values]


def significance(track: list[float]) -> float:
    """Return D0 / sqrt(D0D0) of a track."""
    return track[D0] / track[D0D0] ** 0.5


def write_part(rows: list[list[float]], names: list[str], path: str) -> None:
    """Write the rows of a part."""
    pd.DataFrame(np.asarray(rows, np.float32), columns=names).to_parquet(path)


def prepare(folder: str, output: str) -> None:
    """Clean, split, scale and weight the jets of all parts; write an array per set."""
    Path(output).mkdir(exist_ok=True)
    columns = JetTable.load().columns(INPUT_TRACKS)
    names = [column.name for column in columns]
    jets = pd.concat([pd.read_parquet(path, columns=names) for path in sorted(Path(folder).glob("*.parquet"))])
    label = jets[names[TARGET]].map({5: 0, 4: 1, 0: 2}).to_numpy()
    weight = spectrum_weights(jets["jet_eta"].to_numpy(), jets["jet_pt"].to_numpy(), label)
    train, rest = train_test_split(np.arange(len(jets)), train_size=0.72, random_state=0)
    val, test = train_test_split(rest, train_size=0.08 / 0.28, random_state=0)
    x = np.empty((len(jets), len(columns) - 1), np.float32)
    place = 0
    for column in columns:
        if column.name != names[TARGET]:
            x[:, place] = scaled(jets[column.name].to_numpy(), column.variable.default, train)
            place += 1
    for name, rows in (("train", train), ("val", val), ("test", test)):
        np.savez(f"{output}/{name}.npz", x=x[rows], y=label[rows], weight=weight[rows])


def scaled(values: np.ndarray, default: Any, train: np.ndarray) -> np.ndarray:
    """Return a column with its default in place of what is absent, scaled by the training jets that have a value."""
    smallest = np.min(values[np.isfinite(values) & (values > PADDING)], initial=0.0)
    absent = default if isinstance(default, float | int) else smallest - default.below_minimum
    values = np.where(np.isfinite(values) & (values >= absent), values, absent)
    present = values[train][values[train] != absent]
    scaler = StandardScaler().fit(present[:, None] if len(present) else np.zeros((1, 1)))
    return scaler.transform(values[:, None])[:, 0]


def spectrum_weights(eta: np.ndarray, pt: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return weights that give all flavours the mean spectrum of eta and pt, in 50 x 50 bins."""
    edges = np.linspace(-2.5, 2.5, 51), np.linspace(20, 900, 51)
    spectra = [np.histogram2d(eta[label == flavour], pt[label == flavour], edges)[0] for flavour in range(3)]
    shapes = [spectrum / spectrum.sum() for spectrum in spectra]
    target = sum(shapes) / 3
    bins = [np.clip(np.digitize(values, edge) - 1, 0, 49) for values, edge in zip((eta, pt), edges, strict=True)]
    weight = np.zeros(len(label))
    for flavour, shape in enumerate(shapes):
        table = np.divide(target, shape, out=np.zeros_like(shape), where=shape > 0)
        of_flavour = label == flavour
        factor = len(label) / (3 * of_flavour.sum())
        weight[of_flavour] = table[bins[0][of_flavour], bins[1][of_flavour]] * factor
    return weight
