"""Shards: taus a second written and read, and bytes per tau, against the dense way of TauMLTools.

The dense way, written here: dense grids, batches of 100 taus as elements of a ``tf.data.Dataset`` saved with GZIP; to read,
load, shuffle the elements and take them. Ours shuffles single taus. Input: the simulated sample of tests/data/sample, each
tau once. Written from features in memory (both sides), and from ROOT to disk (one file with the sample repeated).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
from report import Report, interleaved, options

from TauAdv.features.sparse import SparseTaus
from TauAdv.io.verified_files import FileSet
from TauAdv.shards.batching import batches
from TauAdv.shards.files import PartReader, RowColumns, new_part, take_columns
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.packing import PackLayout, pack
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "sample"
ELEMENT, BATCH, CHUNK = 100, 350, 512
REPEATED = 10  # ours is too short to time once


def dense_elements(taus: SparseTaus, columns: RowColumns) -> Iterator[tuple]:
    for start in range(0, len(taus), ELEMENT):
        part = taus.take(slice(start, start + ELEMENT))
        tensors = tuple(part.dense(name) for name in part.layout.shapes())
        yield tensors, columns["y"][start : start + ELEMENT], columns["weight"][start : start + ELEMENT]


def write_dense(taus: SparseTaus, columns: RowColumns, folder: Path) -> None:
    import tensorflow as tf

    def spec(array: np.ndarray) -> tf.TensorSpec:
        return tf.TensorSpec((None, *array.shape[1:]), tf.float32)

    signature = tf.nest.map_structure(spec, next(dense_elements(taus, columns)))
    shutil.rmtree(folder, ignore_errors=True)
    dataset = tf.data.Dataset.from_generator(lambda: dense_elements(taus, columns), output_signature=signature)
    dataset.save(str(folder), compression="GZIP")


def read_dense(folder: Path, seed: int = 0) -> int:
    import tensorflow as tf

    dataset = tf.data.Dataset.load(str(folder), compression="GZIP").shuffle(16, seed=seed).prefetch(2)
    return sum(int(weight.shape[0]) for _, _, weight in dataset)


def write_sparse(taus: SparseTaus, columns: RowColumns, layout: PackLayout, folder: Path) -> None:
    """What write_shards does after extraction: pack, write a piece, read it, shuffle, write the part."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with new_part(folder, "piece", layout, level=None) as writer:
        writer.write(pack(taus, layout), columns)
    reader = PartReader(FileSet(folder, writer.files, remedy=""), "piece", layout)
    order = np.random.default_rng(0).permutation(len(taus))
    packed, stored = reader.features(0).take(order), take_columns(reader.columns(0), order)
    with new_part(folder, "00000", layout) as writer:
        for start in range(0, len(taus), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(taus)))
            writer.write(packed.take(rows), take_columns(stored, rows))


def read_sparse(shards: ShardSet, epochs: int) -> int:
    steps = epochs * shards.num_steps_per_epoch(BATCH)
    return sum(int(batch["tau"].shape[0]) for batch in batches(shards, BATCH, num_steps=steps))


def write_copies(files: list[Path], path: Path, copies: int) -> int:
    """Write the sample several times, each time in another order, and return the number of taus."""
    taus = ak.concatenate([read(file) for file in files])
    rng = np.random.default_rng(0)
    with TupleWriter(path) as writer:
        for _ in range(copies):
            writer.extend(taus[rng.permutation(len(taus))])
    return copies * len(taus)


def size(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def main() -> None:
    arguments = options(__doc__.splitlines()[0])
    files = sorted(path for path in SAMPLE.glob("*.root") if path.stem != "pseudodata")
    report = Report("Shards against dense GZIP of the same taus")
    repetitions = 1 if arguments.quick else 3
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shards = measure(report, files, folder, 500 if arguments.quick else 2000, repetitions)
        cells = {grid: len(block) / len(shards) for grid, block in shards.take(np.arange(len(shards)))[0].cells.items()}
    print(f"{len(shards)} taus; filled cells per tau: {', '.join(f'{grid} {n:.1f}' for grid, n in cells.items())}")
    report.finish(arguments.json)


def measure(report: Report, files: list[Path], folder: Path, num_dense: int, repetitions: int) -> ShardSet:
    write_shards(files, folder / "sparse", ShardSettings())
    entries = write_copies(files, folder / "many.root", repetitions * 6)
    start = time.perf_counter()
    write_shards(folder / "many.root", folder / "many", ShardSettings())
    from_root = (time.perf_counter() - start) / entries
    shards = ShardSet.open(folder / "sparse")
    taus, columns = shards.take(np.arange(len(shards)))
    some, few = taus.take(slice(0, num_dense)), {name: values[:num_dense] for name, values in columns.items()}
    num_dense = len(some)
    stored = {name: values for name, values in columns.items() if name != "y"}
    seconds = interleaved(
        {
            "write dense": lambda: write_dense(some, few, folder / "dense"),
            "write sparse": lambda: [write_sparse(taus, stored, shards.layout, folder / "written") for _ in range(REPEATED)],
            "read dense": lambda: read_dense(folder / "dense"),
            "read sparse": lambda: read_sparse(shards, REPEATED),
        },
        repetitions,
    )
    rate = {name: (num_dense if "dense" in name else REPEATED * len(taus)) / time for name, time in seconds.items()}
    both = [("write", "disk"), ("read", "memory copy")]
    for what, limit in both:
        ours, dense = rate[f"{what} sparse"], rate[f"{what} dense"]
        title = {"write": "write, from features in memory", "read": "read, shuffled, in batches of 350"}[what]
        report.add(title, figure=f"{ours:.0f}/s", baseline=f"{dense:.0f}/s", ratio=ours / dense, goal=">= 40", limit=limit)
    report.add(
        "write, from ROOT to disk (1 core)",
        figure=f"{1 / from_root:.0f}/s",
        baseline=f"{1 / (1 / rate['write dense'] + from_root):.0f}/s",
        ratio=(1 / rate["write dense"] + from_root) / from_root,
        limit="feature extraction",
    )
    write_sparse(some, {name: values[:num_dense] for name, values in stored.items()}, shards.layout, folder / "written")
    ours = size(folder / "written", "*-00000.arrow") / num_dense
    dense = size(folder / "dense") / num_dense
    report.add("bytes per tau", figure=f"{ours:.0f}", baseline=f"{dense:.0f}", ratio=ours / dense, goal="<= 1.1")
    return shards


if __name__ == "__main__":
    main()
