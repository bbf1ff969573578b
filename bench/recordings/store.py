"""A recording in a folder: per case arrays (NPZ), tables (CSV) and numbers (JSON); ``recording.json`` says what it is of."""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from campaign.attempt import REPOSITORY

__all__ = [
    "DESCRIPTION",
    "RecordingError",
    "commit_of",
    "environment",
    "read_case",
    "read_description",
    "write_case",
    "write_description",
]

_PACKAGES = (
    *("numpy", "tensorflow", "tensorflow-cpu", "keras", "scipy", "scikit-learn", "pandas", "pyarrow", "awkward", "uproot"),
    *("numba", "hist", "mlflow", "onnx", "onnxruntime"),
)
DESCRIPTION = "recording.json"


class RecordingError(Exception):
    """A recording cannot be made or used."""


def environment() -> dict[str, str]:
    """Return what bits depend on besides the code: versions, processor, settings of TensorFlow and threads."""
    found = {"python": platform.python_version(), "processor": _processor(), "cores": str(os.cpu_count())}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    settings = {key: value for key, value in os.environ.items() if key.startswith("TF_") or key.endswith("_NUM_THREADS")}
    return {**found, **dict(sorted(settings.items()))}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "; ".join(dict.fromkeys(wanted))


def commit_of(folder: Path = REPOSITORY) -> str:
    """Return the commit of a checkout, followed by ``+`` if its files were changed; ``unknown`` without git."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True)
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "") if head.returncode == 0 else "unknown"


def write_case(folder: Path, recorded: Mapping[str, Any]) -> None:
    """Write what was recorded of a case."""
    folder.mkdir(parents=True)
    arrays = {name: value for name, value in recorded.items() if isinstance(value, np.ndarray | np.generic)}
    np.savez(folder / "arrays.npz", **arrays)
    for name, value in recorded.items():
        if isinstance(value, str):
            (folder / f"{name}.csv").write_text(value, encoding="utf-8")
        elif name not in arrays:
            (folder / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_case(folder: Path) -> dict[str, np.ndarray]:
    """Return everything that was recorded of a case as arrays, by name."""
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        found |= {f"{path.stem}/{name}": _column([row[i] for row in rows]) for i, name in enumerate(head)}
    for path in sorted(folder.glob("*.json")):
        found |= dict(_flat(path.stem, json.loads(path.read_text(encoding="utf-8"))))
    return found


def _column(texts: list[str]) -> np.ndarray:
    """Return a column of a table as integers, as numbers (an empty cell is NaN) or as texts, whichever is possible."""
    for parse, kind in ((int, np.int64), (int, np.uint64), (lambda text: float(text or "nan"), np.float64)):
        try:
            return np.array([parse(text) for text in texts], kind)
        except (ValueError, OverflowError):
            continue
    return np.array(texts)


def _flat(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, list) and not (value and all(isinstance(entry, int | float) for entry in value)):
        value = {"length": len(value), **{str(number): entry for number, entry in enumerate(value)}}
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _flat(f"{name}/{key}", entry)
    else:
        yield name, np.asarray("null" if value is None else value)


def write_description(folder: Path, **content: Any) -> None:
    """Write what a recording is of, as its last file."""
    text = json.dumps({**content, "environment": environment()}, indent=1)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_description(folder: Path) -> dict[str, Any] | None:
    """Return what a recording is of; ``None`` if it is not there, or not complete.

    Raises:
        RecordingError: if it was made with other versions or on another machine: bits cannot be compared.
    """
    if not (folder / DESCRIPTION).is_file():
        return None
    content = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    here, there = environment(), content["environment"]
    differing = [key for key in {**here, **there} if here.get(key) != there.get(key)]
    if differing:
        which = "; ".join(f"{key} {str(there.get(key))[:60]}, here {str(here.get(key))[:60]}" for key in differing)
        advice = "bits of different versions or machines cannot be compared; remove it or use another folder"
        msg = f"{folder}: recorded with {which}; {advice}"
        raise RecordingError(msg)
    return content
