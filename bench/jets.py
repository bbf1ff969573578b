"""Extraction of jets from .json.gz: jets a second and peak memory, beside the original's way, and gzip and JSON alone.

Input: the simulated sample of tests/data/jets, repeated (lines in another order each time) in a temporary folder. Every
figure is of a process of its own, so that its peak memory is its own too; rates are per CPU second. The original's way
(json, pandas, 33 tracks; ``plain_jets.py``) is run on fewer jets, of the same kind.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
from apart import Cost, Job, costs
from report import Report, options

from TauAdv.jets.columns import arrange
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "jets" / "jets.json.gz"
GOAL_RATE, GOAL_RATIO = 20_000, 4.0
BLOCK = 4000


def write_copies(path: Path, jets: int) -> None:
    """Write so many lines of the sample, in random order, at the compression level of the sample."""
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)
    rng = np.random.default_rng(0)
    with gzip.open(path, "wb", 6) as stream:
        while jets > 0:
            order = rng.permutation(len(lines))[:jets]
            stream.write(b"".join(lines[i] for i in order))
            jets -= len(order)


def blocks(path: str) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the number of the first line of a block, and its lines."""
    with LineReader(path) as reader:
        while lines := reader.read(BLOCK):
            yield reader.line_number - len(lines) + 1, lines


def only_inflate(path: str) -> None:
    """What gzip alone takes: zlib over the file, 1 MiB at a time."""
    inflater = zlib.decompressobj(31)
    with Path(path).open("rb") as stream:
        while data := stream.read(1 << 18):
            while data:
                inflater.decompress(data, 1 << 20)
                data = inflater.unconsumed_tail


def only_json(path: str) -> None:
    """Inflate, cut, and parse every line with the JSON library, nothing else."""
    for _, lines in blocks(path):
        for line in lines:
            orjson.loads(line)


def to_arrays(path: str) -> None:
    """Inflate, parse with all checks, order the tracks, fill the columns: arrays ready for shards."""
    table = JetTable.load()
    for first, lines in blocks(path):
        arrange(parse_lines(lines, first, table), table, table.input_tracks)


def to_disk(path: str, output: str) -> None:
    """Run the whole step, Arrow files included."""
    extract_jets(path, output, ExtractionSettings(), overwrite=True)


def per_jet(cost: Cost, jets: int) -> Cost:
    """Return the cost of one jet."""
    return Cost(cost.cpu / jets, cost.wall / jets, cost.memory)


def main() -> None:
    """Measure and print."""
    arguments = options(__doc__.splitlines()[0])
    few, jets, repetitions = (20_000, 60_000, 1) if arguments.quick else (50_000, 500_000, 3)
    report = Report(f"Extraction of {jets:,} jets")
    with tempfile.TemporaryDirectory() as scratch:
        sizes = {size: f"{scratch}/{size}.json.gz" for size in (few, jets)}
        for size, path in sizes.items():
            write_copies(Path(path), size)
        jobs = {
            "arrays": Job("jets:to_arrays", (sizes[jets],)),
            "disk": Job("jets:to_disk", (sizes[jets], f"{scratch}/jets")),
            "gzip": Job("jets:only_inflate", (sizes[jets],)),
            "json": Job("jets:only_json", (sizes[jets],)),
            "few": Job("jets:to_disk", (sizes[few], f"{scratch}/few")),
            "original": Job("plain_jets:extract", (sizes[few], f"{scratch}/plain")),
        }
        found = costs(jobs, repetitions)
    add_rows(report, found, few, jets)
    report.finish(arguments.json)


def add_rows(report: Report, found: dict[str, Cost], few: int, jets: int) -> None:
    """Add the rows of jets a second, and of memory."""
    each = {name: per_jet(cost, few if name in ("few", "original") else jets) for name, cost in found.items()}
    goal = f">= {GOAL_RATIO:.0f}, >= {GOAL_RATE:,}/s"
    rows = (
        ("arrays ready for shards", "arrays", jets),
        ("Arrow files", "disk", jets),
        (f"Arrow files, {few:,}", "few", few),
    )
    for title, name, size in rows:
        ours, peer = (Cost(each[which].cpu * size, each[which].wall * size, 0) for which in (name, "original"))
        report.race(
            f".json.gz to {title}", ours, peer, number=size, peer_name="json, pandas", goal=goal, limit=scaled_to(each, size)
        )
    for title, name in (("gzip alone", "gzip"), ("gzip, lines and orjson line by line", "json")):
        report.add(title, figure=f"{1 / each[name].cpu:,.0f}/s", goal="limit", cpu=f"{found[name].cpu:.2f} s")
    report.add(
        f"peak memory, {jets:,} against {few:,} jets",
        figure=f"{found['disk'].memory:.0f} MB",
        baseline=f"{found['few'].memory:.0f} MB",
        ratio=found["disk"].memory / found["few"].memory,
        goal="flat",
    )


def scaled_to(each: dict[str, Cost], size: int) -> Cost:
    """Return what inflating and the JSON library alone cost for so many jets."""
    return Cost(each["json"].cpu * size, each["json"].wall * size, 0)


if __name__ == "__main__":
    main()
