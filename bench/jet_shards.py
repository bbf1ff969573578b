"""Preparation of jets and batches of them: jets a second and peak memory.

Preparation beside the original's way (pandas and scikit-learn, in memory; ``plain_jets.py``), batches beside an array in
memory that is indexed by a permutation. Input: the simulated sample of tests/data/jets, extracted and repeated with pt
changed at random. Preparations are processes of their own, for two numbers of jets: the peak memory must not grow.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from apart import Job, costs
from plain_jets import LINES
from report import Report, interleaved, options

from TauAdv.io.checksums import describe_file
from TauAdv.io.records import write_record
from TauAdv.jets.columns import Jets
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.parts import ExtractedJets, PartWriter
from TauAdv.shards.batching import Batches, batches
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "jets" / "jets.json.gz"
PER_FILE = 16  # copies of the sample in a file: 96,000 jets, as the extraction writes them
BLOCK = 1000


def repeat(source: Path, folder: Path, copies: int) -> None:
    """Write an extracted folder with the jets of another one several times, pt changed by up to 10 %."""
    extracted = ExtractedJets.open(source)
    jets, manifest, rng = extracted.read(), dict(extracted.manifest), np.random.default_rng(0)
    folder.mkdir()
    manifest["parts"], manifest["files"] = [], {}
    for first in range(0, copies, PER_FILE):
        name = f"jets-{first // PER_FILE:05d}.arrow"
        number = min(PER_FILE, copies - first)
        with PartWriter(folder / name, extracted.columns) as writer:
            for copy in range(first, first + number):
                values = jets.values.copy()
                values[:, 0] *= rng.uniform(0.9, 1.1, len(jets))
                copied = Jets(jets.line + copy * len(jets), jets.n_tracks, values, jets.columns)
                for start in range(0, len(jets), BLOCK):
                    writer.write(copied.take(slice(start, start + BLOCK)))
        manifest["files"][name] = describe_file(folder / name)
        rows = number * len(jets)
        manifest["parts"].append({"file": name, "first_line": first * len(jets) + 1, "lines": rows, "jets": rows})
    flavours = {flavour: count * copies for flavour, count in extracted.flavour_counts.items()}
    manifest["counts"] = {"jets": len(jets) * copies, "flavours": flavours}
    write_record(folder / "manifest.json", manifest)


def prepare(folder: str, output: str) -> None:
    """Prepare with the shipped settings."""
    prepare_jets([folder], output, JetPreparationSettings())


def epoch_of(shards: ShardSet, size: int, most: int) -> int:
    """Read batches of an epoch; return the number of jets."""
    source = Batches(shards, size, seed=1)
    return sum(len(source(step)["x"]) for step in range(min(source.steps_per_epoch, -(-most // size))))


def dataset_of(shards: ShardSet, size: int, most: int) -> int:
    """Read batches as ``tf.data`` gives them to the training; return the number of jets."""
    return sum(int(batch["x"].shape[0]) for batch in batches(shards, size, seed=1, num_steps=max(1, most // size)))


def indexed(x: np.ndarray, size: int, most: int) -> int:
    """Index an array in memory by a permutation; return the number of jets."""
    order = np.random.default_rng(1).permutation(len(x))[:most]
    return sum(len(x[order[start : start + size]]) for start in range(0, len(order), size))


def add_preparation(report: Report, folder: Path, copies: tuple[int, int], repetitions: int) -> None:
    """Add the rows of the preparation, of fewer jets and of more."""
    peaks = []
    for number in copies:
        source = folder / f"{number}"
        repeat(folder / "sample", source, number)
        n_jets = as_parquet(source, folder / f"parquet-{number}")
        jobs = {
            "ours": Job("jet_shards:prepare", (str(source), str(folder / f"prepared-{number}"))),
            "plain": Job("plain_jets:prepare", (str(folder / f"parquet-{number}"), str(folder / f"plain-{number}"))),
        }
        found = {"ours": jobs["ours"].cost(), **costs({"plain": jobs["plain"]}, repetitions)}
        peaks.append(found["ours"].memory)
        what = f"prepare {n_jets:,} jets, peak {found['ours'].memory:.0f} MB against {found['plain'].memory:.0f} MB"
        report.race(what, found["ours"], found["plain"], number=n_jets, peer_name="pandas, scikit-learn")
    report.add("peak memory, more over fewer jets", figure=f"{peaks[1] / peaks[0]:.2f}", goal="flat")


def as_parquet(extracted: Path, folder: Path) -> int:
    """Write extracted jets as the original's Parquet files; return their number."""
    folder.mkdir()
    jets = ExtractedJets.open(extracted).read()
    names = [column.name for column in jets.columns]
    for part, start in enumerate(range(0, len(jets), LINES)):
        pd.DataFrame(jets.values[start : start + LINES], columns=names).to_parquet(folder / f"{part:04d}.parquet")
    return len(jets)


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__)
    copies = (32, 96) if chosen.quick else (64, 256)
    report = Report("Preparation and batches of jets")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract_jets(SAMPLE, folder / "sample", ExtractionSettings())
        add_preparation(report, folder, copies, 1 if chosen.quick else 3)
        shards = ShardSet.open(folder / f"prepared-{copies[1]}" / "train")
        most = min(shards.num_rows, 262_144)
        x = np.concatenate([shards.chunk(chunk)[0].x for chunk in range(len(shards.chunk_sizes))])
        for size in (512, 65_536):
            jobs = {
                "ours": lambda size=size: epoch_of(shards, size, most),
                "tf.data": lambda size=size: dataset_of(shards, size, most),
                "memory": lambda size=size: indexed(x, size, most),
            }
            times = interleaved(jobs, 3, clock=time.process_time)
            rates = {job: most / seconds for job, seconds in times.items()}
            limit = f"{rates['memory']:,.0f}/s in memory, no mask, labels, weights"
            for job, what in (("ours", "shuffled batches"), ("tf.data", "the same as tf.data")):
                ratio = rates[job] / rates["memory"]
                report.add(f"{what} of {size:,} (of one core)", figure=f"{rates[job]:,.0f}/s", baseline=limit, ratio=ratio)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
