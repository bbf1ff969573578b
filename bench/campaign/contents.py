"""What is in an output, without what may differ between two runs of the same step: times, identifiers, compressed bytes."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["content", "differences", "leftovers", "names"]

#: Keys of JSON files that say when, where and as which set something was made, and checksums of files that hold such keys.
_VOLATILE = re.compile(
    r"created|seconds|versions|checksum|checksums|digest|digests|identifier|id|set|set_id|uuid|run|mlpath|host|size|sizes|files|replaced"
)
_LEFTOVER = re.compile(r"^\.(?!gitignore)|\.tmp|\.lock$|unfinished|starting")


def names(folder: Path) -> list[str]:
    """Return all files and folders below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) if folder.is_dir() else []


def leftovers(folder: Path) -> list[str]:
    """Return what looks like something that was not finished."""
    return [name for name in names(folder) if _LEFTOVER.search(Path(name).name)]


def content(path: Path) -> dict[str, str]:
    """Return a digest of the content of a file, or of each file of a folder, by name."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    base = path.parent if path.is_file() else path
    return {str(file.relative_to(base)): _digest(file) for file in files}


def differences(expected: dict[str, str], received: dict[str, str]) -> list[str]:
    """Return the names that differ, are missing or are too many."""
    every = sorted({*expected, *received})
    return [name for name in every if expected.get(name) != received.get(name)]


def _digest(path: Path) -> str:
    reader = _READERS.get(path.suffix, lambda file: file.read_bytes())
    return hashlib.blake2b(reader(path), digest_size=16).hexdigest()


def _json(path: Path) -> bytes:
    return json.dumps(_steady(json.loads(path.read_bytes())), sort_keys=True).encode()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(entry) for key, entry in value.items() if not _VOLATILE.fullmatch(key)}
    return [_steady(entry) for entry in value] if isinstance(value, list) else value


def _root(path: Path) -> bytes:
    import awkward as ak
    import uproot

    parts = []
    with uproot.open(path) as file:
        for key in file.keys(cycle=False):
            found = file[key]
            parts.append(key.encode())
            if hasattr(found, "arrays"):
                form, length, buffers = ak.to_buffers(ak.to_packed(found.arrays()))
                parts += [str(form).encode(), str(length).encode()]
                parts += [name.encode() + np.asarray(buffer).tobytes() for name, buffer in sorted(buffers.items())]
            elif hasattr(found, "axes"):
                parts += [found.values(flow=True).tobytes(), *(axis.edges().tobytes() for axis in found.axes)]
    return b"\0".join(parts)


def _arrow(path: Path) -> bytes:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source:
        table = pa.ipc.open_file(source).read_all().combine_chunks().replace_schema_metadata(None)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _npz(path: Path) -> bytes:
    with np.load(path, allow_pickle=False) as stored:
        return b"\0".join(name.encode() + stored[name].tobytes() for name in sorted(stored.files))


def _keras(path: Path) -> bytes:
    import h5py

    parts: list[bytes] = []
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        weights.visititems(
            lambda name, node: parts.append(name.encode() + node[()].tobytes()) if isinstance(node, h5py.Dataset) else None
        )
    return b"\0".join(parts)


def _drawn(path: Path) -> bytes:
    """Plots and pages hold dates and identifiers: that they are there and not empty is what counts."""
    return b"there" if path.stat().st_size else b"empty"


_READERS = {
    ".json": _json,
    ".root": _root,
    ".arrow": _arrow,
    ".npz": _npz,
    ".keras": _keras,
    **dict.fromkeys((".png", ".pdf", ".html", ".db", ".txt", ".pb", ".onnx", ".index"), _drawn),
}
