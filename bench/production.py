"""Speed and memory of the production steps on whole tuples (all branches of the schema, simulated taus).

Peers of event drop and mixing: loops over entries with PyROOT, as the original does (where the ``root`` wheel is installed),
and uproot alone: all taus of all files in memory at once, an index, one write. Outputs of the peers are compressed with LZ4,
as the original's. Each is a process of its own; rates are per CPU second of all its threads. Limit: reading alone.
Whether memory stays flat is only seen with files that are larger than a block: not with --quick.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import awkward as ak
import numpy as np
import root_peers
import uproot
from apart import Job, costs
from report import Report, options

from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.reader import TupleReader, read
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


def plain_write(path: str, taus: ak.Array) -> None:
    with uproot.recreate(path, compression=uproot.LZ4(4)) as file:
        tree = {name: ak.to_packed(taus[name]) for name in taus.fields}
        file.mktree("taus", {name: values.type.content for name, values in tree.items()}, counter_name=counter_name)
        file["taus"].extend(tree)


def drop(source: str, target: str, output: str) -> None:
    drop_events(source, target, output, EventDropSettings(target_histogram="mt_inclusive/EMB"), overwrite=True)


def plain_drop(source: str, target: str, output: str) -> None:
    with uproot.open(source) as file, uproot.open(target) as targets:
        taus = file["taus"].arrays(library="ak")
        wanted = targets["mt_inclusive/EMB"].values(flow=True)
    place = np.searchsorted(EDGES, np.asarray(taus["tau_pt"]), side="right")
    observed = np.bincount(place, minlength=17)
    ratio = np.divide(wanted, observed, out=np.zeros(17), where=observed > 0)
    keep = np.random.default_rng(1).random(len(taus)) <= ratio[place] / ratio[1:-1].max()
    plain_write(output, taus[keep])


def mix(folder: str, output: str, batches: int, shuffle: bool = True) -> None:
    contributions = [
        {"name": name, "files": f"{name}.root", "dataset_id": number, "per_batch": 50} for number, name in enumerate("ab")
    ]
    outputs = {name: {"file": f"{name}.root", "batches": batches // 2} for name in ("trainval", "evaluate")}
    given = {"contributions": contributions, "outputs": outputs, "shuffle": shuffle}
    mix_events(MixingSettings.model_validate(given), folder, output, overwrite=True)


def plain_mix(folder: str, output: str, batches: int) -> None:
    rng = np.random.default_rng(1)
    parts = []
    for name in "ab":
        with uproot.open(Path(folder) / f"{name}.root") as file:
            taus = file["taus"].arrays(library="ak")
        parts.append(taus[rng.permutation(len(taus))[: 50 * batches]])
    order = np.argsort(np.concatenate([np.arange(50 * batches) // 50] * 2), kind="stable")
    mixed = ak.concatenate(parts)[order]
    Path(output).mkdir(exist_ok=True)
    for name, rows in (("trainval", mixed[: 50 * batches]), ("evaluate", mixed[50 * batches :])):
        plain_write(f"{output}/{name}.root", rows)


def only_read(*sources: str) -> None:
    for source in sources:
        for _ in TupleReader(source).iterate():
            pass


def peers_of(step: str) -> dict[str, str]:
    """Return the functions of the peers that run here, by the name of what they are written with."""
    return ({"ROOT": f"root_peers:{step}"} if root_peers.INSTALLED else {}) | {"uproot": f"production:plain_{step}"}


def event_drop_rows(report: Report, folder: Path, entries: int, repetitions: int, sizes: tuple[int, int] | None) -> None:
    source, target = str(whole_tuple(folder / "taus.root", entries)), str(folder / "target.root")
    write_histograms(target, {"mt_inclusive/EMB": (np.geomspace(100, 1, 15), EDGES)})
    functions = {"ours": "production:drop"} | peers_of("drop")
    jobs = {name: Job(function, (source, target, str(folder / f"{name}.root"))) for name, function in functions.items()}
    found = costs(jobs | {"read": Job("production:only_read", (source,))}, repetitions)
    for peer in peers_of("drop"):
        goal = ">= 8" if peer == "ROOT" else "-"
        what = f"event drop, {entries} taus"
        report.race(what, found["ours"], found[peer], number=entries, peer_name=peer, goal=goal, limit=found["read"])
    if sizes is not None:
        memory_row(report, folder, target, sizes)


def memory_row(report: Report, folder: Path, target: str, sizes: tuple[int, int]) -> None:
    files = [str(whole_tuple(folder / f"{size}.root", size)) for size in sizes]
    used, other = (
        [Job(function, (path, target, str(folder / "out.root"))).cost().memory for path in files]
        for function in ("production:drop", "production:plain_drop")
    )
    report.add(
        f"event drop, {sizes[0]} and {sizes[1]} taus, peak memory in GB",
        figure=f"{used[0] / 1e3:.2f}, {used[1] / 1e3:.2f}",
        baseline=f"{other[0] / 1e3:.2f}, {other[1] / 1e3:.2f} (uproot)",
        ratio=used[1] / other[1],
        goal="flat in file size",
    )


def mixing_rows(report: Report, folder: Path, entries: int, repetitions: int) -> None:
    files = [str(whole_tuple(folder / f"{name}.root", entries // 2, seed)) for seed, name in enumerate("ab")]
    batches = int(0.8 * entries / 100) // 2 * 2
    ours = {"shuffled": True, "file order": False}
    jobs = {name: Job("production:mix", (str(folder), str(folder / name), batches, way)) for name, way in ours.items()}
    jobs |= {name: Job(function, (str(folder), str(folder / name), batches)) for name, function in peers_of("mix").items()}
    found = costs(jobs | {"read": Job("production:only_read", tuple(files))}, repetitions)
    for way, goal in (("shuffled", ">= 2.5"), ("file order", ">= 3")):
        for peer in peers_of("mix"):
            what = f"mixing, {way}, {100 * batches} taus"
            wanted = goal if peer == "ROOT" else "-"
            report.race(
                what, found[way], found[peer], number=100 * batches, peer_name=peer, goal=wanted, limit=found["read"]
            )


def main() -> None:
    chosen = options(__doc__.splitlines()[0])
    entries, repetitions, sizes = (8_000, 1, None) if chosen.quick else (25_000, 3, (20_000, 80_000))
    report = Report("Production steps")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        event_drop_rows(report, folder, entries, repetitions, sizes)
        mixing_rows(report, folder, entries, repetitions)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
