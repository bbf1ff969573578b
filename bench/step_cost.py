"""A training step of the demo network: its graph, the time to make it, and what a step costs whatever the batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from network_inference import one_thread
from report import Report, interleaved, options
from synthetic_taus import OCCUPANCIES, paired_taus

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.training.settings.load import training_settings
from TauAdv.training.step.trainer import Trainer

NETWORK = load_network("deeptau_demo")
KNOBS = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 10.0}
SMALL, LARGE = 16, 256
GOAL = 20.0


class Steps:
    """Steps of a batch of half simulation for the classes, half for the domains."""

    def __init__(self, n_taus: int) -> None:
        wanted = {"data.shards": "none", "data.adv_shards": "none", "data.n_tau": n_taus // 2, "data.n_adv_tau": n_taus // 2}
        settings = training_settings(None, {"method": "reversal", **wanted})
        self._trainer = Trainer(build_adversarial(NETWORK, seed=1), settings)
        taus = paired_taus(NETWORK, n_taus // 2, n_taus // 2, OCCUPANCIES["8/25"])
        self._batch: Mapping[str, Any] = {name: tf.constant(values) for name, values in taus.items()}
        start = time.process_time()
        self()
        self.seconds_of_first = time.process_time() - start

    def __call__(self) -> None:
        """Do one step, and wait for it."""
        self._trainer.train(self._batch, KNOBS)
        self._trainer.sums.read()

    def n_operations(self) -> int:
        """Return the number of operations of the step's graph."""
        (function,) = self._trainer._functions.values()
        return len(function._list_all_concrete_functions()[0].graph.get_operations())


def cost_rows(report: Report, quick: bool) -> None:
    """Add the rows of what a step costs apart from its taus."""
    small, large = Steps(SMALL), Steps(LARGE)
    times = interleaved({"small": small, "large": large}, 20 if quick else 100, warm_up=3, clock=time.process_time)
    fixed = times["small"] - (times["large"] - times["small"]) * SMALL / (LARGE - SMALL)
    report.add("demo network, operations of a step", figure=f"{large.n_operations()}")
    report.add("demo network, first step with its tracing, CPU", figure=f"{large.seconds_of_first:.1f} s")
    report.add(f"demo network, step of {LARGE} taus", figure=f"{times['large'] * 1e3:.0f} ms", goal=f"<= {GOAL:.0f} ms")
    report.add("demo network, of that whatever the batch", figure=f"{fixed * 1e3:.0f} ms")


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__.splitlines()[0])
    one_thread()
    report = Report("Cost of a training step")
    cost_rows(report, chosen.quick)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
