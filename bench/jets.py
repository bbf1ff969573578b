"""Extraction of jets from .json.gz: jets a second of one core and peak memory, beside gzip and the JSON library alone.

Input: the simulated sample of tests/data/jets, repeated (lines in another order each time) in a temporary folder until there
are a million jets. Every figure is CPU time of a process of its own, so that its peak memory is its own too.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
from report import Report, options

from TauAdv.jets.columns import arrange
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "jets" / "jets.json.gz"
GOAL, ORIGINAL = 20_000, 2_600  # the original: 11.5 M jets parsed in 12 minutes and written in an hour
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


def blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the number of the first line of a block, and its lines."""
    with LineReader(path) as reader:
        while lines := reader.read(BLOCK):
            yield reader.line_number - len(lines) + 1, lines


def only_inflate(path: Path, folder: Path) -> None:
    """What gzip alone takes: zlib over the file, 1 MiB at a time."""
    inflater = zlib.decompressobj(31)
    with path.open("rb") as stream:
        while data := stream.read(1 << 18):
            while data:
                inflater.decompress(data, 1 << 20)
                data = inflater.unconsumed_tail


def read_lines(path: Path, folder: Path) -> None:
    """Inflate and cut into lines."""
    for _ in blocks(path):
        pass


def only_json(path: Path, folder: Path) -> None:
    """Inflate, cut, and parse every line with the JSON library, nothing else."""
    for _, lines in blocks(path):
        for line in lines:
            orjson.loads(line)


def to_arrays(path: Path, folder: Path) -> None:
    """Inflate, parse with all checks, order the tracks, fill the columns: arrays ready for shards."""
    table = JetTable.load()
    for first, lines in blocks(path):
        arrange(parse_lines(lines, first, table), table, table.input_tracks)


def to_disk(path: Path, folder: Path) -> None:
    """Run the whole step, Arrow files included."""
    extract_jets(path, folder / "jets", ExtractionSettings(), overwrite=True)


JOBS = {job.__name__: job for job in (only_inflate, read_lines, only_json, to_arrays, to_disk)}


def peak_rss() -> int:
    """Return the peak resident memory of this process in bytes (on Linux ru_maxrss would inherit the parent's)."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def child(name: str, path: Path, folder: Path) -> None:
    """Run one job and print its CPU seconds and its peak memory in bytes."""
    start = time.process_time()
    JOBS[name](path, folder)
    print(json.dumps([time.process_time() - start, peak_rss()]))


def measure(name: str, path: Path, folder: Path) -> tuple[float, int]:
    """Run a job in a new process; return CPU seconds and peak memory."""
    command = [sys.executable, __file__, "--child", name, str(path), str(folder)]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seconds, memory = json.loads(result.stdout.splitlines()[-1])
    return seconds, memory


def main() -> None:
    arguments = options(__doc__.splitlines()[0])
    jets, repetitions = (60_000, 1) if arguments.quick else (1_000_000, 3)
    report = Report(f"Extraction of {jets} jets, one core (CPU time)")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        few = max(jets // 10, 20_000)  # several blocks, or the comparison of the memory says nothing
        write_copies(folder / "small.json.gz", few)
        write_copies(folder / "large.json.gz", jets)
        size = (folder / "large.json.gz").stat().st_size
        runs = [{name: measure(name, folder / "large.json.gz", folder) for name in JOBS} for _ in range(repetitions)]
        rates = {name: jets / float(np.median([run[name][0] for run in runs])) for name in JOBS}
        small = measure("to_disk", folder / "small.json.gz", folder)[1]
        large = runs[0]["to_disk"][1]
    print(f"{size / jets:.0f} bytes a jet compressed")
    add_rates(report, rates)
    report.add(
        f"peak memory, {jets} against {few} jets",
        figure=f"{large / 2**20:.0f} MiB",
        baseline=f"{small / 2**20:.0f} MiB",
        ratio=large / small,
        goal="flat",
    )
    report.finish(arguments.json)


def add_rates(report: Report, rates: dict[str, float]) -> None:
    """Add the rows of jets a second."""
    limits = (
        ("gzip alone", "only_inflate"),
        ("gzip and cutting lines", "read_lines"),
        ("gzip, lines and orjson line by line", "only_json"),
    )
    for title, name in limits:
        report.add(title, figure=f"{rates[name]:.0f}/s", goal="limit")
    for title, name in ((".json.gz to arrays ready for shards", "to_arrays"), (".json.gz to Arrow files", "to_disk")):
        report.add(
            title,
            figure=f"{rates[name]:.0f}/s",
            baseline=f"{ORIGINAL}/s (published)",
            ratio=rates[name] / ORIGINAL,
            goal=f">= {GOAL}/s",
            limit=f"{rates[name] / rates['only_inflate']:.2f} of gzip alone",
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
