"""Speed and memory of the production steps on whole tuples (all branches of the schema, simulated taus).

Baseline of event drop and mixing: all taus of all files in memory at once with uproot, an index, one write; as the original
does, the output is compressed with LZ4. The figures of the original itself are in the column "goal" (measured elsewhere).
Whether memory stays flat is only seen with files that are larger than a block: not with --quick.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from report import Report, interleaved, options

from TauAdv.production.event_drop import EventDropSettings, drop_events
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.reader import read
from TauAdv.tuples.schema import SCHEMA, collection_of, counter_name
from TauAdv.tuples.writer import TupleWriter

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "sample"
EDGES = [30, 35, 40, 45, 50, 55, 60, 65, 70, 80, 90, 100, 120, 140, 200, 400]


def whole_tuple(path: Path, entries: int, seed: int = 1) -> Path:
    """Write simulated taus, drawn again and again, with every branch of the schema: absent ones hold their absent value."""
    sample = read(SAMPLE / "DYtautau.root")
    objects = {collection_of(name): name for name in sample.fields if sample[name].ndim == 2}
    rng = np.random.default_rng(seed)
    with TupleWriter(path) as writer:
        for size in np.diff([*range(0, entries, 5000), entries]):
            taus = sample[rng.integers(0, len(sample), size)]
            content = {name: taus[name] for name in taus.fields}
            for name, branch in SCHEMA.items():
                if name not in content and branch.jagged:
                    number = ak.num(taus[objects[branch.group]]) if branch.group in objects else np.zeros(size, np.int64)
                    content[name] = ak.unflatten(np.full(ak.sum(number), branch.absent, branch.dtype), number)
                elif name not in content:
                    content[name] = np.full(size, branch.absent, branch.dtype)
            content["mytauType"] = np.full(size, 2, np.int32)
            writer.extend(content)
    return path


def plain_write(path: Path, taus: ak.Array) -> None:
    with uproot.recreate(path, compression=uproot.LZ4(4)) as file:
        tree = {name: ak.to_packed(taus[name]) for name in taus.fields}
        file.mktree("taus", {name: values.type.content for name, values in tree.items()}, counter_name=counter_name)
        file["taus"].extend(tree)


def peak_memory(job: Callable[..., object], *arguments: object) -> float:
    """Return the peak memory in GB of a process that does the job."""
    before, after = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measured, args=(after, job, arguments))
    process.start()
    process.join()
    return before.recv()


def _measured(sender, job, arguments) -> None:
    job(*arguments)
    sender.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def drop(source: Path, target: Path, output: Path) -> None:
    drop_events(source, target, output, EventDropSettings(target_histogram="mt_inclusive/EMB"), overwrite=True)


def plain_drop(source: Path, target: Path, output: Path) -> None:
    with uproot.open(source) as file, uproot.open(target) as targets:
        taus = file["taus"].arrays(library="ak")
        wanted = targets["mt_inclusive/EMB"].values(flow=True)
    place = np.searchsorted(EDGES, np.asarray(taus["tau_pt"]), side="right")
    observed = np.bincount(place, minlength=17)
    ratio = np.divide(wanted, observed, out=np.zeros(17), where=observed > 0)
    keep = np.random.default_rng(1).random(len(taus)) <= ratio[place] / ratio[1:-1].max()
    plain_write(output, taus[keep])


def mix(folder: Path, output: Path, batches: int) -> None:
    contributions = [
        {"name": name, "files": f"{name}.root", "dataset_id": number, "per_batch": 50} for number, name in enumerate("ab")
    ]
    outputs = {name: {"file": f"{name}.root", "batches": batches // 2} for name in ("trainval", "evaluate")}
    settings = MixingSettings.model_validate({"contributions": contributions, "outputs": outputs})
    mix_events(settings, folder, output, overwrite=True)


def plain_mix(folder: Path, output: Path, batches: int) -> None:
    rng = np.random.default_rng(1)
    parts = []
    for name in "ab":
        with uproot.open(folder / f"{name}.root") as file:
            taus = file["taus"].arrays(library="ak")
        parts.append(taus[rng.permutation(len(taus))[: 50 * batches]])
    order = np.argsort(np.concatenate([np.arange(50 * batches) // 50] * 2), kind="stable")
    mixed = ak.concatenate(parts)[order]
    output.mkdir(exist_ok=True)
    for name, rows in (("trainval", mixed[: 50 * batches]), ("evaluate", mixed[50 * batches :])):
        plain_write(output / f"{name}.root", rows)


def event_drop_row(report: Report, folder: Path, entries: int, repetitions: int, sizes: tuple[int, int] | None) -> None:
    source, target = whole_tuple(folder / "taus.root", entries), folder / "target.root"
    write_histograms(target, {"mt_inclusive/EMB": (np.geomspace(100, 1, 15), EDGES)})
    times = interleaved(
        {
            "ours": lambda: drop(source, target, folder / "ours.root"),
            "plain": lambda: plain_drop(source, target, folder / "plain.root"),
        },
        repetitions,
    )
    rate = {name: entries / seconds for name, seconds in times.items()}
    report.add(
        f"event drop, {entries} taus, taus/s",
        figure=f"{rate['ours']:.0f}",
        baseline=f"{rate['plain']:.0f}",
        ratio=rate["ours"] / rate["plain"],
        goal="5 x original (1450-2220)",
        limit=f"{decompression_rate(source, entries):.0f} (read all)",
    )
    if sizes is not None:
        memory_row(report, "event drop", folder, drop, plain_drop, target, sizes)


def memory_row(
    report: Report, what: str, folder: Path, ours: Callable, plain: Callable, target: Path, sizes: tuple[int, int]
) -> None:
    files = [whole_tuple(folder / f"{size}.root", size) for size in sizes]
    used = [peak_memory(ours, path, target, folder / "ours.root") for path in files]
    other = [peak_memory(plain, path, target, folder / "plain.root") for path in files]
    report.add(
        f"{what}, {sizes[0]} and {sizes[1]} taus, peak memory in GB",
        figure=f"{used[0]:.2f}, {used[1]:.2f}",
        baseline=f"{other[0]:.2f}, {other[1]:.2f}",
        ratio=used[1] / other[1],
        goal="flat in file size",
    )


def decompression_rate(path: Path, entries: int) -> float:
    start = time.perf_counter()
    read(path)
    return entries / (time.perf_counter() - start)


def mixing_row(report: Report, folder: Path, entries: int, repetitions: int) -> None:
    for seed, name in enumerate("ab"):
        whole_tuple(folder / f"{name}.root", entries // 2, seed)
    batches = int(0.8 * entries / 100) // 2 * 2
    times = interleaved(
        {
            "ours": lambda: mix(folder, folder / "mixed", batches),
            "plain": lambda: plain_mix(folder, folder / "plain", batches),
        },
        repetitions,
    )
    rate = {name: 100 * batches / seconds for name, seconds in times.items()}
    report.add(
        f"mixing, shuffled, {100 * batches} taus, taus/s",
        figure=f"{rate['ours']:.0f}",
        baseline=f"{rate['plain']:.0f}",
        ratio=rate["ours"] / rate["plain"],
    )


def main() -> None:
    chosen = options(__doc__.splitlines()[0])
    entries, repetitions, sizes = (8_000, 1, None) if chosen.quick else (60_000, 3, (20_000, 80_000))
    report = Report("Production steps")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        event_drop_row(report, folder, entries, repetitions, sizes)
        mixing_row(report, folder, entries, repetitions)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
