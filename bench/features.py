"""Features from tuples: taus a second and core from ROOT to sparse features, against plain Python and the read alone.

Input: the taus of the reference tuple (about 25 candidates a tau), repeated in random order, as a ROOT file in the form of
production outputs (one basket per repetition, so that no basket holds a tau twice). Needs TAUADV_REFERENCE_DATA. CPU seconds
are counted (all threads), so that the figure is per core.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import awkward as ak
import numpy as np
from plain_features import PlainExtraction
from report import Report, interleaved, options

from TauAdv.features.extract import extract
from TauAdv.features.sparse import SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.writer import TupleWriter

STEP = 4_000
TRADITIONAL = "945-1450 taus/s (C++ loader, stated)"


def write_copies(taus: ak.Array, path: Path, copies: int, compression: str) -> None:
    rng = np.random.default_rng(1)
    with TupleWriter(path, compression=compression) as writer:
        for _ in range(copies):
            writer.extend(taus[rng.permutation(len(taus))])


def from_root(path: Path, table: FeatureTable) -> int:
    return sum(len(extract(chunk, table)) for chunk in TupleReader(path).iterate(table.branches, step_size=STEP))


def only_read(path: Path, table: FeatureTable) -> int:
    return sum(len(chunk) for chunk in TupleReader(path).iterate(table.branches, step_size=STEP))


def peak_memory() -> float:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def check_equal(first: SparseTaus, second: SparseTaus) -> None:
    ours, theirs = first.as_inputs(), second.as_inputs()
    wrong = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
    if wrong:
        raise SystemExit(f"plain Python and the library disagree in {', '.join(wrong)}")


def main() -> None:
    arguments = options(__doc__.splitlines()[0])
    folder = os.environ.get("TAUADV_REFERENCE_DATA")
    if not folder:
        raise SystemExit("set TAUADV_REFERENCE_DATA to the folder with oracle/ (its tuple is the input)")
    table = FeatureTable.load("deeptau_v2p5")
    source = Path(folder) / "oracle" / "input" / "tauTuple.root"
    taus = read(source, table.branches)
    few = taus[: 40 if arguments.quick else 150]
    plain = PlainExtraction(table)
    check_equal(extract(few, table), plain(few))
    report = Report("Features: ROOT to sparse features, taus per second and core")
    copies = 20 if arguments.quick else 60
    with tempfile.TemporaryDirectory() as scratch:
        for compression in ("zstd", "lzma"):
            path, small = Path(scratch) / f"{compression}.root", Path(scratch) / f"{compression}_small.root"
            write_copies(taus, small, 10, compression)
            write_copies(taus, path, copies, compression)
            from_root(small, table)
            memory_small = peak_memory()
            from_root(path, table)
            memory = peak_memory()
            jobs = {
                "ours": lambda path=path: from_root(path, table),
                "read": lambda path=path: only_read(path, table),
                "plain": lambda: plain(few),
            }
            seconds = interleaved(jobs, repetitions=3 if arguments.quick else 5, clock=time.process_time)
            total = copies * len(taus)
            rate, limit, baseline = total / seconds["ours"], total / seconds["read"], len(few) / seconds["plain"]
            report.add(
                f"{total} taus, TTree {compression}",
                figure=f"{rate:,.0f}/s",
                baseline=f"{baseline:,.1f}/s plain Python (without reading); {TRADITIONAL}",
                ratio=rate / baseline,
                goal=">= 4,000/s",
                limit=f"{limit:,.0f}/s: read and decompress alone",
            )
            report.add(
                f"peak memory, {compression}",
                figure=f"{memory:,.0f} MB for {total} taus",
                baseline=f"{memory_small:,.0f} MB for {10 * len(taus)} taus",
                ratio=memory / memory_small,
                goal="flat in file size",
            )
        memory_job = interleaved({"extract": lambda: extract(taus, table)}, repetitions=10, clock=time.process_time)
        report.add("arrays in memory to features", figure=f"{len(taus) / memory_job['extract']:,.0f}/s")
    report.finish(arguments.json)


if __name__ == "__main__":
    main()
