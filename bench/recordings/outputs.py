"""What is recorded of outputs: arrays, tables, numbers; no paths, times, identifiers, and no names of layers or modules."""

from __future__ import annotations

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recordings.workspace import Place

__all__ = [
    "Recorded",
    "bag",
    "columns",
    "histograms",
    "model_contents",
    "numbers",
    "run_contents",
    "shard_contents",
    "tables",
]

#: name -> array, text of a table (CSV) or numbers (what JSON holds)
Recorded = dict[str, Any]
#: Metrics that measure the machine.
_OF_THE_MACHINE = ("system/", "step/taus_per_second", "step/jets_per_second")


def bag(name: str, arrays: Iterable[np.ndarray]) -> Recorded:
    """Return arrays in an order that depends on nothing but type, shape and content: their names may change.

    What is named ``... #number`` is compared as a set.
    """
    kinds = defaultdict(list)
    for array in arrays:
        kinds[f"{name}: {array.dtype}{list(array.shape)}"].append(np.ascontiguousarray(array))
    ordered = {kind: sorted(found, key=lambda array: array.tobytes()) for kind, found in sorted(kinds.items())}
    return {f"{kind} #{number}": array for kind, found in ordered.items() for number, array in enumerate(found)}


def model_contents(folder: Path) -> Recorded:
    """Return the weights of the model files below a folder."""
    recorded: Recorded = {}
    for path in sorted(folder.rglob("*.keras")):
        recorded |= bag(f"weights of {path.stem}", _weights(path))
    return recorded


def run_contents(place: Place, name: str) -> Recorded:
    """Return weights of all saved models, state of the training at its end, and metrics by step of a run."""
    artifacts = place.artifacts(name)
    recorded: Recorded = {"metrics": _metrics(place, name), **model_contents(artifacts)}
    (*_, newest) = sorted(artifacts.rglob("step_*/variables.npz"))
    with np.load(newest, allow_pickle=False) as stored:
        recorded |= bag("state", [stored[key] for key in stored.files])
    return recorded


def _metrics(place: Place, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, step, value in place.metrics(name):
        if not key.startswith(_OF_THE_MACHINE):
            one = found.setdefault(key, {"steps": [], "values": []})
            one["steps"].append(step)
            one["values"].append(value)
    return found


def _weights(path: Path) -> list[np.ndarray]:
    import h5py

    arrays: list[np.ndarray] = []
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        weights.visititems(lambda _, node: arrays.append(node[()]) if isinstance(node, h5py.Dataset) else None)
    return arrays


def shard_contents(name: str, folder: Path) -> Recorded:
    """Return all columns of the files of a set of shards; lists as their lengths and values."""
    import pyarrow as pa

    recorded: Recorded = {}
    for path in sorted(folder.rglob("*.arrow")):
        with pa.OSFile(str(path)) as source:
            table = pa.ipc.open_file(source).read_all().combine_chunks()
        for column in table.column_names:
            values = table[column].combine_chunks()
            key = f"{name}/{path.relative_to(folder).with_suffix('')}/{column}"
            if isinstance(values, pa.ListArray | pa.LargeListArray):
                recorded[f"{key} lengths"] = values.value_lengths().to_numpy(zero_copy_only=False)
                values = values.flatten()
            recorded[key] = _as_array(values.to_numpy(zero_copy_only=False))
    return recorded


def histograms(name: str, path: Path) -> Recorded:
    """Return contents, variances and edges of all histograms in a ROOT file."""
    import uproot

    recorded: Recorded = {}
    with uproot.open(path) as file:
        for key in file.keys(cycle=False):
            if hasattr(found := file[key], "axes"):
                recorded[f"{name}/{key}"] = np.asarray(found.values(flow=True))
                recorded[f"{name}/{key} variances"] = np.asarray(found.variances(flow=True))
                recorded |= {f"{name}/{key} axis {i}": np.asarray(axis.edges()) for i, axis in enumerate(found.axes)}
    return recorded


def tables(folder: Path, pattern: str = "*.csv") -> Recorded:
    """Return the text of the tables of a folder."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob(pattern))}


def columns(name: str, path: Path) -> Recorded:
    """Return the columns of a Parquet file."""
    frame = pd.read_parquet(path)
    return {f"{name}/{column}": _as_array(frame[column].to_numpy()) for column in frame.columns}


def numbers(path: Path, *keys: str) -> dict[str, Any]:
    """Return what a JSON file has under some keys; identifiers, settings and sentences that it holds stay away."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {key: _without_identifiers(content[key]) for key in keys}


def _without_identifiers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_identifiers(entry) for key, entry in value.items() if key != "run_id"}
    return [_without_identifiers(entry) for entry in value] if isinstance(value, list) else value


def _as_array(values: np.ndarray) -> np.ndarray:
    return values.astype(str) if values.dtype == object else values
