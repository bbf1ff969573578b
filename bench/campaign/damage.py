"""Files of every kind damaged at random: what reads them says so in one line, or finds what was there before."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from campaign.attempt import Attempt, call
from campaign.readers import READERS
from campaign.steps import Workspace, runs_of
from campaign.tally import Tally

__all__ = ["damage_files", "damaged"]

LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Kind:
    """Files of a kind, and how they are read.

    Attributes:
        name: of the kind.
        source: (workspace) -> file or folder that is copied.
        files: pattern of the files below it that are damaged.
        reader: name of the function in readers.py.
        checked: whether the format lets a reader know: of a file of ROOT without a checksum, and of text, nobody can.
        share: part of the tries that it gets; the slow ones get fewer.
    """

    name: str
    source: Callable[[Workspace], Path]
    files: str
    reader: str
    checked: bool = True
    share: float = 1.0


def _artifacts(workspace: Workspace, name: str) -> Path:
    found = [r for r in runs_of(workspace.inputs / "mlruns") if r["name"] == name][-1]
    return workspace.inputs / "mlruns" / Path(found["mlpath"]).name / found["id"] / "artifacts"


def _in(name: str) -> Callable[[Workspace], Path]:
    return lambda workspace: workspace.inputs / name


KINDS = (
    Kind("tuples", _in("DYtaus_skimmed.root"), "", "tuples", checked=False),
    Kind("target histograms", _in("datacard.root"), "", "histograms", checked=False),
    Kind("pt weights", _in("pt_weights.root"), "", "pt_weights", checked=False),
    Kind("tau shards", _in("adversarial"), "*.arrow", "shards", share=2),
    Kind("manifests of tau shards", _in("adversarial"), "manifest.json", "shards"),
    Kind("jet shards", _in("prepared/train"), "*", "shards", share=2),
    Kind("extracted jets", _in("jets"), "*", "extracted", share=2),
    Kind("compressed jet lines", _in("jets.json.gz"), "", "jet_lines"),
    Kind("manifests of files", _in("DYtaus_skimmed.root.manifest.json"), "", "manifest"),
    Kind("prediction tables", lambda w: _artifacts(w, "adversarial") / "predictions", "*.csv", "predictions"),
    Kind("checkpoints", lambda w: _artifacts(w, "nominal") / "model_checkpoints", "step_*/*", "checkpoints"),
    Kind("models", lambda w: _artifacts(w, "nominal") / "model", "*.keras", "model"),
    Kind("stores", lambda w: w.inputs / "mlruns" / "mlflow.db", "", "store", checked=False),
    Kind("frozen graphs", _in("exported"), "*.pb", "graphs", checked=False, share=0.5),
    Kind("settings", _in("network.yaml"), "", "settings", checked=False),
)


def damaged(content: bytes, rng: np.random.Generator, other: bytes) -> tuple[str, bytes]:
    """Return how a file is damaged, and its bytes then."""
    way = str(rng.choice(["flip", "flip", "flip", "cut", "zeros", "noise", "empty", "twice", "swap"]))
    data = bytearray(content)
    place = int(rng.integers(0, max(len(data), 1)))
    if way == "flip":
        for position in rng.integers(0, max(len(data), 1), int(rng.integers(1, 4))) if data else ():
            data[position] ^= 1 << int(rng.integers(8))
    elif way == "cut":
        data = data[:place]
    elif way in ("zeros", "noise"):
        length = min(int(rng.integers(1, 4097)), len(data) - place)
        data[place : place + length] = bytes(length) if way == "zeros" else rng.bytes(length)
    elif way == "twice":
        data = data + data
    elif way == "empty":
        data = bytearray()
    else:
        data = bytearray(other)
    return way, bytes(data)


def damage_files(workspace: Workspace, n_tries: int, seed: int, kinds: Sequence[str] | None = None) -> list[Tally]:
    """Damage ``n_tries`` times the files of every kind, or of those named."""
    return [
        _damage(kind, workspace, round(n_tries * kind.share), seed + number)
        for number, kind in enumerate(KINDS)
        if kinds is None or kind.name in kinds
    ]


def _damage(kind: Kind, workspace: Workspace, n_tries: int, seed: int) -> Tally:
    tally, rng = Tally(f"damaged {kind.name}"), np.random.default_rng(seed)
    place = workspace.folder / "damage" / kind.name.replace(" ", "_")
    copy = _copied(kind, workspace, place)
    good = read(kind, copy, workspace)
    if good.status != 0:
        tally.add("lost", f"{kind.name}: undamaged, it cannot be read: {good.text[-900:]}")
        return tally
    files = [copy] if copy.is_file() else sorted(path for path in copy.glob(kind.files or "*") if path.is_file())
    for _ in range(n_tries):
        target = files[int(rng.integers(len(files)))]
        content = target.read_bytes()
        other = files[int(rng.integers(len(files)))].read_bytes()
        way, data = damaged(content, rng, other)
        if data == content:
            continue
        target.write_bytes(data)
        _judge(kind, read(kind, copy, workspace), good, tally, f"{kind.name}, {target.name}: {way}")
        copy = _copied(kind, workspace, place)
    shutil.rmtree(place)
    return tally


def _copied(kind: Kind, workspace: Workspace, place: Path) -> Path:
    """Return a fresh copy of the files of a kind, and of the manifests beside them."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    source = kind.source(workspace)
    for path in _with_manifest(source):
        if path.is_dir():
            shutil.copytree(path, place / path.name)
        else:
            shutil.copy(path, place / path.name)
    return place / source.name


def _with_manifest(source: Path) -> Iterator[Path]:
    yield source
    manifest = source.with_name(source.name + ".manifest.json")
    if manifest.is_file():
        yield manifest


def read(kind: Kind, path: Path, workspace: Workspace) -> Attempt:
    """Read a file as a user would; what was found is the last line of the text."""

    def show() -> None:
        from TauAdv.cli.report import report_errors

        @report_errors
        def main() -> None:
            found: Any = READERS[kind.reader](path, workspace)
            print("FOUND", hashlib.blake2b(found, digest_size=16).hexdigest())

        main()

    return call(show, LIMIT_SECONDS)


def _judge(kind: Kind, attempt: Attempt, good: Attempt, tally: Tally, example: str) -> None:
    if attempt.hung:
        tally.add("hang", example)
    elif attempt.traceback or attempt.status not in (0, 2) or (attempt.status == 2 and "error: " not in attempt.text):
        tally.add("traceback", f"{example}: status {attempt.status}: {attempt.text[-700:]}")
    elif attempt.status == 2:
        tally.note("refused")
        tally.add()
    elif _found(attempt) == _found(good):
        tally.note("as before")
        tally.add()
    elif "warning: " in attempt.text:
        tally.note("reported by a warning")
        tally.add()
    elif kind.checked:
        tally.add("wrong", f"{example}: other content without an error: {attempt.text[-300:]}")
    else:
        tally.note("other content, no checksum in the format")
        tally.add()


def _found(attempt: Attempt) -> str:
    return attempt.text.rpartition("FOUND ")[2].split()[0]
