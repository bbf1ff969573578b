"""Training steps of the jet network, nominal and under FGSM, beside PyTorch and the way of the original.

Ours is a step as a training does it: losses, weights, metrics, checks for numbers that are not finite, and an attack that
leaves integers and defaults alone. PyTorch runs eagerly, as its users run it: the same network, loss, weights and optimiser,
the attack on all columns with one ``where`` for integers and defaults. The original moves all columns, and then restores
them one after the other, with NumPy. Needs ``pip install -e '.[bench]'``. One thread; rates are per CPU second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from network_inference import one_thread
from report import Report, interleaved, options

from TauAdv.attacks.constraints.jets import jet_constraints
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import JetTable
from TauAdv.models.jet_flavour.network import build_jet_classifier
from TauAdv.models.jet_flavour.settings import load_jet_network
from TauAdv.training.settings.load import training_settings
from TauAdv.training.step.trainer import Trainer

EPS, RATE, DEFAULTS = 0.01, 1e-4, 0.33
SIZES = (4096, 65_536)
SGEMM = 1536
_WIDTHS = (184, 100, 100, 100, 100, 100, 3)
FLOPS = 2 * sum(before * after for before, after in pairwise(_WIDTHS))  # of a jet, one way through the network
GOALS = {("nominal", 4096): 1.6, ("nominal", 65_536): 1.3, ("adversarial", 4096): 1.8, ("adversarial", 65_536): 1.6}

Job = Callable[[], Any]


class Jets:
    """A batch of random jets, and what the attack may do to them."""

    def __init__(self, size: int) -> None:
        rng = np.random.default_rng(1)
        table = JetTable.load()
        n = len(table.inputs())
        none = np.zeros(n, bool)
        features = JetFeatures(table, table.input_tracks, np.zeros(n), rng.normal(size=n), rng.uniform(0.5, 2, n), none)
        self.rules = jet_constraints(features)
        self.fixed = self.rules.columns["x"].integer
        self.x = rng.normal(size=(size, n)).astype(np.float32)
        self.default = rng.random((size, n)) < DEFAULTS
        self.label = rng.integers(0, 3, size)
        self.weight = rng.uniform(0.5, 2, size).astype(np.float32)


def ours(jets: Jets, attacked: bool) -> Job:
    """Return a step of the package."""
    wanted = {"data.shards": "none", "data.batch_size": len(jets.x), "schedule.optimizer": "adam"}
    attack = {"attack": {"kind": "fgsm", "eps": EPS, "training": True}} if attacked else {}
    settings = training_settings(None, {**wanted, **attack}, defaults={"tagger": "jet_flavour", "method": "none"})
    trainer = Trainer(build_jet_classifier(load_jet_network()), settings, constraints=jets.rules)
    batch = {"x": jets.x, "x_default": jets.default, "y": np.eye(3, dtype=np.float32)[jets.label], "weight": jets.weight}
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    knobs = {"learning_rate": RATE} | ({"attack_strength": 1.0} if attacked else {})

    def step() -> None:
        trainer.train(tensors, knobs)
        trainer.sums.read()  # waits for the step

    return step


class Torch:
    """The same network, loss and optimiser in PyTorch."""

    def __init__(self, jets: Jets) -> None:
        torch.set_num_threads(1)
        network = load_jet_network()
        widths = (jets.x.shape[1], *network.hidden)
        layers: list[torch.nn.Module] = []
        for number, (before, after) in enumerate(pairwise(widths)):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
            layers += [torch.nn.Dropout(network.dropout)] if number < len(network.hidden) - 1 else []
        self.model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 3))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)
        self.jets = jets
        self.x, self.label, self.weight = (torch.from_numpy(values) for values in (jets.x, jets.label, jets.weight))
        self.still = torch.from_numpy(jets.default | jets.fixed[None])

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean of the cross-entropy."""
        each = torch.nn.functional.cross_entropy(self.model(x), self.label, reduction="none")
        return (each * self.weight).sum() / self.weight.sum()

    def nominal(self, x: torch.Tensor | None = None) -> float:
        """Do a step."""
        self.optimizer.zero_grad()
        loss = self.loss(self.x if x is None else x)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def slope(self) -> torch.Tensor:
        """Return the gradient of the loss at the inputs."""
        x = self.x.clone().requires_grad_()
        return torch.autograd.grad(self.loss(x), x)[0]

    def adversarial(self) -> float:
        """Do a step on attacked jets."""
        moved = self.x + EPS * self.slope().sign()
        return self.nominal(torch.where(self.still, self.x, moved))

    def original(self) -> float:
        """Do a step on attacked jets, restored column by column."""
        moved = (self.x + EPS * self.slope().sign()).numpy()
        for column in range(moved.shape[1]):
            if self.jets.fixed[column]:
                moved[:, column] = self.jets.x[:, column]
            else:
                default = self.jets.default[:, column]
                moved[default, column] = self.jets.x[default, column]
        return self.nominal(torch.from_numpy(moved))


def add_rows(report: Report, size: int, repetitions: int) -> None:
    """Add the rows of one size of batch."""
    jets = Jets(size)
    peer = Torch(jets)
    matrix = tf.random.stateless_normal((SGEMM, SGEMM), (1, 2))
    jobs = {
        "nominal": ours(jets, attacked=False),
        "adversarial": ours(jets, attacked=True),
        "torch nominal": peer.nominal,
        "torch adversarial": peer.adversarial,
        "original adversarial": peer.original,
        "sgemm": lambda: tf.matmul(matrix, matrix).numpy(),
    }
    cpu = interleaved(jobs, repetitions, warm_up=3, clock=time.process_time)
    wall = interleaved(jobs, repetitions, clock=time.perf_counter)
    speed = 2 * SGEMM**3 / cpu["sgemm"]
    for what, other in (
        ("nominal", "torch nominal"),
        ("adversarial", "torch adversarial"),
        ("adversarial", "original adversarial"),
    ):
        goal = f">= {GOALS[what, size]}" if other.startswith("torch") else "-"
        passes = (
            3 if what == "nominal" else 5
        )  # forward, and twice that backward; the attack: forward and once that backward
        report.add(
            f"jets, {what} step of {size:,}, 1 thread",
            figure=f"{size / cpu[what]:,.0f}/s",
            baseline=f"{size / cpu[other]:,.0f}/s ({other})",
            ratio=cpu[other] / cpu[what],
            goal=goal,
            limit=f"{speed / (passes * FLOPS):,.0f}/s (sgemm)",
            cpu=f"{1e3 * cpu[what]:.1f} / {1e3 * cpu[other]:.1f} ms",
            wall=f"{1e3 * wall[what]:.1f} / {1e3 * wall[other]:.1f} ms",
        )


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__.splitlines()[0])
    one_thread()
    report = Report("Training steps of the jet network")
    for size in SIZES:
        add_rows(report, size, (20 if chosen.quick else 60) if size < 10_000 else (4 if chosen.quick else 12))
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
