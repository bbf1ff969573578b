"""Speed of the skim on whole tuples: all 711 branches, generator match, the documented selection, LZMA 9 output.

Input: the taus of tests/data/sample as LZMA tuples, drawn again and again. Baseline: what one writes with uproot alone (all
branches of a chunk, a mask, uproot's own LZMA). The figures of the original itself (RDataFrame) are in the column "goal",
measured elsewhere. Seconds are those of the processor, of all threads, so that the figures are per core.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from production import whole_tuple
from report import Report, options

from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.matching import recompute_tau_type
from TauAdv.tuples.reader import TupleReader
from TauAdv.tuples.schema import counter_name
from TauAdv.tuples.writer import TupleWriter

SELECTION = (
    "tau_byDeepTau2017v2p1VSjetraw>0.90 && tau_pt>30 && std::abs(tau_eta)<2.3 && tau_decayModeFindingNewDMs"
    " && (tau_decayMode==0 || tau_decayMode==1 || tau_decayMode==10 || tau_decayMode==11)"
    " && tau_byDeepTau2017v2p1VSeraw>0.1686942 && tau_byDeepTau2017v2p1VSmuraw>0.8754835 && tau_index>=0"
    " && has_extramuon==0 && has_extraelectron==0 && has_dimuon==0 && mytauType==2"
)
ALL_PASS = "tau_pt>0 && mytauType>=-1"


def lzma_tuple(path: Path, entries: int) -> Path:
    """Write the sample as production files are: LZMA, one basket per branch and 5000 taus."""
    plain = whole_tuple(path.with_name("plain_input.root"), entries)
    with TupleWriter(path, compression="lzma") as writer:
        for chunk in TupleReader(plain).iterate(step_size=5000):
            writer.extend(chunk)
    return path


def ours(source: Path, output: Path, selection: str) -> None:
    settings = SkimSettings(sel=selection, processing_module="recompute_tautype.py:compute")
    skim(source, output, settings, overwrite=True)


def plain(source: Path, output: Path, selection: str) -> None:
    with uproot.open(source) as file, uproot.recreate(output, compression=uproot.LZMA(9)) as target:
        names = [name for name in file["taus"].keys() if not name.startswith("n_")]  # noqa: SIM118 (a tree, not a dictionary)
        for taus in file["taus"].iterate(names, step_size=20_000, library="ak"):
            label = recompute_tau_type(taus)
            taus["mytauType"] = label
            passed = taus[plain_mask(taus, label) if selection == SELECTION else np.ones(len(taus), np.bool_)]
            content = {name: ak.to_packed(passed[name]) for name in passed.fields}
            if "taus" not in target:
                target.mktree("taus", {name: v.type.content for name, v in content.items()}, counter_name=counter_name)
            target["taus"].extend(content)


def plain_mask(taus: ak.Array, label: np.ndarray) -> ak.Array:
    wide = {name: ak.values_astype(taus[name], np.float64) for name in taus.fields if name.startswith("tau_by")}
    mode = taus["tau_decayMode"]
    return (
        (wide["tau_byDeepTau2017v2p1VSjetraw"] > 0.90)
        & (taus["tau_pt"] > 30)
        & (abs(ak.values_astype(taus["tau_eta"], np.float64)) < 2.3)
        & (taus["tau_decayModeFindingNewDMs"] != 0)
        & ((mode == 0) | (mode == 1) | (mode == 10) | (mode == 11))
        & (wide["tau_byDeepTau2017v2p1VSeraw"] > 0.1686942)
        & (wide["tau_byDeepTau2017v2p1VSmuraw"] > 0.8754835)
        & (taus["tau_index"] >= 0)
        & (taus["has_extramuon"] == 0)
        & (taus["has_extraelectron"] == 0)
        & (taus["has_dimuon"] == 0)
        & (label == 2)
    )


def processor_seconds(jobs: dict[str, Callable[[], None]], repetitions: int) -> dict[str, float]:
    """Return the median processor time of each job; the jobs take turns."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repetitions):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def skim_row(report: Report, what: str, source: Path, selection: str, entries: int, repetitions: int) -> None:
    outputs = {name: source.with_name(f"{name}.root") for name in ("ours", "plain")}
    times = processor_seconds(
        {
            "ours": lambda: ours(source, outputs["ours"], selection),
            "plain": lambda: plain(source, outputs["plain"], selection),
            "read": lambda: [None for _ in TupleReader(source).iterate()],
        },
        repetitions,
    )
    written, expected = (TupleReader(path).num_entries for path in outputs.values())
    if written != expected:
        raise SystemExit(f"{what}: {written} taus written, the baseline wrote {expected}")
    rate = {name: entries / seconds for name, seconds in times.items()}
    report.add(
        f"skim, {what}: {written} of {entries} taus, read taus/s and core",
        figure=f"{rate['ours']:.0f} ({outputs['ours'].stat().st_size / written:.0f} B/tau out)",
        baseline=f"{rate['plain']:.0f}",
        ratio=rate["ours"] / rate["plain"],
        goal="2 x original (1040-1900)",
        limit=f"{rate['read']:.0f} (read all)",
    )


def main() -> None:
    chosen = options(__doc__.splitlines()[0])
    entries, repetitions = (10_000, 1) if chosen.quick else (30_000, 3)
    report = Report("Skim")
    with tempfile.TemporaryDirectory() as folder:
        source = lzma_tuple(Path(folder) / "input.root", entries)
        skim_row(report, "documented selection", source, SELECTION, entries, repetitions)
        skim_row(report, "all pass", source, ALL_PASS, entries, repetitions)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
