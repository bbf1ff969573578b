"""Jobs in processes of their own: CPU seconds with those of their workers, wall seconds, peak memory.

A job is a function of a bench program, ``module:function``; its arguments are strings and numbers. Modules are imported
before the clocks start: what is measured is the work, as a user's process does it for the first time.
"""

from __future__ import annotations

import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a job cost: CPU seconds of all its threads and workers, wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True)
class Job:
    """A function of a bench program and its arguments."""

    function: str
    arguments: tuple[str | int | float, ...] = ()

    def cost(self) -> Cost:
        """Run the job in a new process.

        Raises:
            SystemExit: if it fails; with what it printed.
        """
        command = [sys.executable, __file__, self.function, json.dumps(self.arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.function} failed:\n{done.stderr[-2000:]}")
        return Cost(**json.loads(done.stdout.splitlines()[-1]))


def costs(jobs: Mapping[str, Job], repetitions: int) -> dict[str, Cost]:
    """Return the median cost of each job; the jobs take turns, so that a drift of the machine hits all."""
    found: dict[str, list[Cost]] = {name: [] for name in jobs}
    for _ in range(repetitions):
        for name, job in jobs.items():
            found[name].append(job.cost())
    return {name: median_of(values) for name, values in found.items()}


def median_of(values: list[Cost]) -> Cost:
    """Return the medians of CPU and wall seconds, and the largest memory."""
    cpu, wall = (statistics.median(getattr(value, name) for value in values) for name in ("cpu", "wall"))
    return Cost(cpu, wall, max(value.memory for value in values))


def measured(function: str, arguments: list[str | int | float]) -> Cost:
    """Import and run a job in this process; return its cost."""
    module, name = function.split(":")
    job = getattr(importlib.import_module(module), name)
    cpu, wall = cpu_seconds(), time.perf_counter()
    job(*arguments)
    return Cost(cpu_seconds() - cpu, time.perf_counter() - wall, peak_memory())


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its finished workers."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_memory() -> float:
    """Return the peak resident memory of this process in MB (on Linux ``ru_maxrss`` would inherit the parent's)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    print("\n" + json.dumps(vars(measured(sys.argv[1], json.loads(sys.argv[2])))), flush=True)
