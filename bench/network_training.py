"""Training steps of DeepTau v2p5: ours on filled cells in one pass, against dense grids with two gradient tapes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from report import Report, options
from synthetic_taus import OCCUPANCIES

from TauAdv.models.deeptau.settings import NetworkSettings, load_network

N_CLASS, N_ADV = 250, 100
GOALS = {"8/25": 6.0, "30/80": 4.0}
MEMORY_GOAL = 1 / 3


class Worker:
    """A process that does training steps of one kind (see ``training_worker.py``), on one thread."""

    def __init__(self, kind: str, precision: str, occupancy: str) -> None:
        script = Path(__file__).with_name("training_worker.py")
        arguments = [kind, precision, occupancy, str(N_CLASS), str(N_ADV)]
        self._process = subprocess.Popen(
            [sys.executable, str(script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._answer() != "ready":
            raise RuntimeError(f"{script.name} {' '.join(arguments)} did not start")

    def _answer(self) -> str:
        return self._process.stdout.readline().strip()  # type: ignore[union-attr]

    def ask(self, request: str) -> float:
        """Return the worker's figure: of ``step`` CPU seconds, of ``sgemm`` FLOP/s, of ``memory`` bytes."""
        self._process.stdin.write(f"{request}\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        answer = self._answer()
        if not answer:
            raise RuntimeError(f"a training step of {self._process.args} failed (out of memory?)")
        return float(answer)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()


def training_rows(report: Report, quick: bool) -> None:
    """Add the rows of the training step: speed and peak memory, quiet and busy taus, and mixed precision."""
    network = load_network("deeptau_v2p5")
    with Worker("dense", "float32", "8/25") as dense:
        dense.ask("step")  # traced
        for occupancy in OCCUPANCIES:
            with Worker("sparse", "float32", occupancy) as ours:
                times = _interleaved({"dense": (dense, 1 if quick else 3), "ours": (ours, 3)}, rounds=1 if quick else 2)
                limit = ours.ask("sgemm") / step_flops(network, OCCUPANCIES[occupancy])
                memory = ours.ask("memory")
            ours_rate, dense_rate = ((N_CLASS + N_ADV) / times[name] for name in ("ours", "dense"))
            report.add(
                f"training step {N_CLASS} + {N_ADV} taus, {occupancy} filled cells, per core",
                figure=f"{ours_rate:.0f} taus/s",
                baseline=f"{dense_rate:.1f} taus/s (dense, two tapes)",
                ratio=ours_rate / dense_rate,
                goal=f">= {GOALS[occupancy]:.0f}",
                limit=f"{limit * (N_CLASS + N_ADV):.0f} taus/s (sgemm)",
            )
            _add_memory(report, occupancy, memory, dense.ask("memory"))
    if not quick:
        _add_mixed(report)


def _interleaved(jobs: dict[str, tuple[Worker, int]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of a step of each worker; they take turns, each so many steps at a time."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for name, (worker, _) in jobs.items():
        if name != "dense":
            worker.ask("step")  # traced
            worker.ask("step")
    for _ in range(rounds):
        for name, (worker, steps) in jobs.items():
            times[name] += [worker.ask("step") for _ in range(steps)]
    return {name: statistics.median(values) for name, values in times.items()}


def _add_memory(report: Report, occupancy: str, ours: float, dense: float) -> None:
    report.add(
        f"peak memory of that process, {occupancy} filled cells",
        figure=f"{ours / 1e9:.2f} GB",
        baseline=f"{dense / 1e9:.2f} GB (dense, two tapes)",
        ratio=ours / dense,
        goal=f"<= {MEMORY_GOAL:.2f}",
    )


def _add_mixed(report: Report) -> None:
    with Worker("sparse", "float32", "8/25") as single, Worker("sparse", "mixed_bfloat16", "8/25") as mixed:
        times = _interleaved({"single": (single, 3), "mixed": (mixed, 3)}, rounds=2)
        memory = [worker.ask("memory") for worker in (single, mixed)]
    rates = {name: (N_CLASS + N_ADV) / seconds for name, seconds in times.items()}
    report.add(
        f"precision=mixed_bfloat16, 8/25 filled cells, {memory[1] / 1e9:.2f} GB against {memory[0] / 1e9:.2f} GB",
        figure=f"{rates['mixed']:.0f} taus/s",
        baseline=f"{rates['single']:.0f} taus/s (float32)",
        ratio=rates["mixed"] / rates["single"],
    )


def step_flops(network: NetworkSettings, filled: dict[str, float]) -> float:
    """Return the floating-point operations of the matrix products of one step of our kind (backward: twice forward)."""
    n_taus, dropout = N_CLASS + N_ADV, network.dropout
    per_tau = _products(network.tau.n_features, network.tau.layer_widths(dropout))
    n_features = network.tau.layer_widths(dropout)[-1]
    per_row: float = _products(
        sum(network.component_widths(name)[-1] for name in network.components), network.merge_widths()
    )
    for name, block in network.components.items():
        per_row += _products(block.n_features, network.component_widths(name))
    rows = 0.0
    for grid, settings in network.grids.items():
        rows += n_taus * filled[grid] + network.n_empty_rows
        size, width = settings.n_cells, network.merge_widths()[-1]
        for layer in settings.convolutions(width):
            size = (size - layer.kernel) // layer.stride + 1
            per_tau += size**2 * layer.kernel**2 * width * layer.width
            width = layer.width
        n_features += size**2 * width
    per_tau += _products(n_features, (*network.class_head.widths, network.n_classes))
    per_tau += _products(n_features, (*network.adversarial_head.widths, 1))
    return 3 * 2.0 * (n_taus * per_tau + rows * per_row)


def _products(n_inputs: int, widths: tuple[int, ...]) -> int:
    return sum(a * b for a, b in zip((n_inputs, *widths), widths, strict=False))


def main() -> None:
    """Measure and print."""
    chosen: Any = options("Training steps of DeepTau v2p5, ours against dense grids with two gradient tapes.")
    report = Report("Training")
    training_rows(report, chosen.quick)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
