"""How costs grow: shards from ROOT with the number of taus, training steps with threads and processes.

Shards are made of the taus of tests/data/sample, drawn again and again: CPU seconds, wall seconds and peak memory at each
size, and the straight line through them. Trainings are commands as a user starts them, once with few and once with many
steps: the difference is free of the start. Two processes share each batch (``schedule.devices=multi_worker``).
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import numpy as np
from apart import Cost, Job
from report import Report, options

from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter

ROOT_FOLDER = Path(__file__).resolve().parents[1]
SAMPLE = ROOT_FOLDER / "tests" / "data" / "sample"
MOST_MEMORY = 600  # MB, at the largest size
N_TAU = 256
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def write_copies(path: Path, entries: int) -> None:
    """Write taus of the sample, drawn at random, 5,000 a basket."""
    taus = ak.concatenate([read(file) for file in sorted(SAMPLE.glob("*.root")) if file.stem != "pseudodata"])
    rng = np.random.default_rng(0)
    with TupleWriter(path) as writer:
        for start in range(0, entries, 5000):
            writer.extend(taus[rng.integers(0, len(taus), min(5000, entries - start))])


def shards(source: str, output: str) -> None:
    """Make shards with the settings of the library."""
    write_shards(source, output, ShardSettings())


def add_shards(report: Report, folder: Path, sizes: Sequence[int], repetitions: int) -> None:
    """Add a row per size, and those of the line through all."""
    found: dict[int, Cost] = {}
    for size in sizes:
        source = folder / f"{size}.root"
        write_copies(source, size)
        job = Job("growth:shards", (str(source), str(folder / f"shards-{size}")))
        first = job.cost()
        found[size] = first if repetitions == 1 else again(job, folder / f"shards-{size}", first, repetitions - 1)
    slope, intercept = np.polyfit(list(found), [cost.cpu for cost in found.values()], 1)
    for size, cost in found.items():
        report.add(
            f"shards of {size:,} taus, peak {cost.memory:.0f} MB",
            figure=f"{size / cost.cpu:,.0f}/s",
            goal=f"<= {MOST_MEMORY} MB",
            cpu=f"{cost.cpu:.2f} s (line: {intercept + slope * size:.2f} s)",
            wall=f"{cost.wall:.2f} s",
        )
    memory = [cost.memory for cost in found.values()]
    report.add(
        "line through the CPU seconds",
        figure=f"{1e6 * slope:.0f} us a tau + {intercept:.2f} s",
        baseline=f"memory {memory[0]:.0f} to {memory[-1]:.0f} MB",
        ratio=memory[-1] / memory[0],
        goal="straight, memory flat",
    )


def again(job: Job, output: Path, first: Cost, times: int) -> Cost:
    """Return the medians of a job and its repetitions; its output is removed in between, or it would be kept."""
    costs = [first]
    for _ in range(times):
        for path in sorted(output.rglob("*"), reverse=True):
            path.unlink()
        output.rmdir()
        costs.append(job.cost())
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "wall", "memory")))


def add_trainings(report: Report, folder: Path, steps: tuple[int, int]) -> None:
    """Add a row per way to train: one thread, two threads, two processes."""
    write_shards(
        [path for path in sorted(SAMPLE.glob("*.root")) if path.stem != "pseudodata"], folder / "set", ShardSettings()
    )
    ways = {"1 thread": (1, 1), "2 threads": (1, 2), "2 processes, 1 thread each": (2, 1)}
    single = None
    training(folder, "first", 1, 1, 1)  # reads what the others then find in the cache of the file system
    for name, (processes, threads) in ways.items():
        costs = [training(folder, f"{processes}{threads}{number}", number, processes, threads) for number in steps]
        number = steps[1] - steps[0]
        cost = Cost(
            *((getattr(costs[1], key) - getattr(costs[0], key)) / number for key in ("cpu", "wall")), costs[1].memory
        )
        if cost.wall <= 0:
            raise SystemExit(f"{name}: {steps[1]} steps took no longer than {steps[0]}; the machine is too busy to tell")
        single = single or cost
        report.add(
            f"training step of {N_TAU} taus, demo network, {name}, peak {cost.memory:.0f} MB",
            figure=f"{1e3 * cost.wall:.0f} ms",
            baseline=f"{1e3 * single.wall:.0f} ms (1 thread)",
            ratio=single.wall / cost.wall,
            goal=">= 1.6" if name == "2 threads" else "-",
            limit="2",
            cpu=f"{1e3 * cost.cpu:.0f} ms",
            wall=f"{1e3 * cost.wall:.0f} ms",
        )


def training(folder: Path, name: str, number: int, processes: int, threads: int) -> Cost:
    """Return what a training of so many steps costs: CPU seconds of all processes, wall seconds, memory of the largest."""
    keys = {
        "model.network": "deeptau_demo",
        "data.shards": folder / "set",
        "data.n_tau": N_TAU,
        "data.validation_fraction": 0.1,
        "schedule.n_epochs": 1,
        "schedule.n_batches": number,
        "output.mlruns": folder / "mlruns",
        "output.gradient_steps": 0,
        "output.run_name": name,
        "schedule.devices": "multi_worker" if processes > 1 else "one",
    }
    command = [sys.executable, str(ROOT_FOLDER / "Training/train_classifier.py"), "--config", "classifier_deeptau_v2p5"]
    command += [f"{key}={value}" for key, value in keys.items()]
    start = time.perf_counter()
    started = []
    for variables in environments(processes, threads):
        with (folder / f"{name}-{len(started)}.log").open("w") as log:
            started.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log))
    usages = [os.wait4(process.pid, 0) for process in started]
    if any(status for _, status, _ in usages):
        raise SystemExit(f"a training failed:\n{(folder / f'{name}-0.log').read_text()[-2000:]}")
    cpu = sum(usage.ru_utime + usage.ru_stime for _, _, usage in usages)
    return Cost(cpu, time.perf_counter() - start, max(usage.ru_maxrss for _, _, usage in usages) / 1e3)


def environments(processes: int, threads: int) -> list[dict[str, str]]:
    """Return the environment of each process."""
    variables = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    if processes == 1:
        return [variables]
    workers = [f"127.0.0.1:{port}" for port in free_ports(processes)]
    tasks = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in range(processes)]
    return [{**variables, "TF_CONFIG": json.dumps(task)} for task in tasks]


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__.splitlines()[0])
    sizes, repetitions = ((2_000, 5_000, 10_000), 1) if chosen.quick else ((5_000, 20_000, 80_000, 320_000), 3)
    report = Report("Growth")
    with tempfile.TemporaryDirectory() as name:
        add_shards(report, Path(name), sizes, repetitions)
        add_trainings(report, Path(name), (10, 160) if chosen.quick else (20, 220))
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
