"""FGSM and adversarial training on the jet network: against plain training, foolbox, ART and a loop over columns.

One batch of random inputs of the right shape, a third of them defaults; all contestants attack the same network (59,203
parameters) and batch, and take turns. Ours protects integers and defaults in every row. Foolbox and the Adversarial
Robustness Toolbox (ART) cannot: masks, frozen columns, caps and further input tensors are switched off for them; they run as
their users run them, on eager tensors and on arrays, with Keras and with PyTorch. They need `pip install -e '.[bench]'`. An
adversarial step of others is their attack, and then our nominal step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from report import Report, interleaved, options

from TauAdv.attacks.constraints.jets import jet_constraints
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import JetTable
from TauAdv.models.jet_flavour.losses import crossentropy, weighted_mean
from TauAdv.models.jet_flavour.network import build_jet_classifier, logits_model
from TauAdv.models.jet_flavour.settings import load_jet_network

BATCH, EPS, CAP = 4096, 0.01, 0.1
Job = Callable[[], Any]


class Bench:
    """The network, a batch, and everything that is timed as a function without arguments."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.model = build_jet_classifier(load_jet_network())
        self.scores = logits_model(self.model)
        self.one_tensor = keras.Model(self.scores.inputs[0], self.scores.outputs[0])
        table = JetTable.load()
        self.n_features = len(table.inputs())
        self.mean, self.std = rng.normal(size=self.n_features), rng.uniform(0.5, 2, self.n_features)
        none = np.zeros(self.n_features, bool)
        features = JetFeatures(table, table.input_tracks, np.zeros(self.n_features), self.mean, self.std, none)
        self.rules, self.capped = jet_constraints(features), jet_constraints(features, relative_cap=CAP)
        self.label = rng.integers(0, 3, BATCH)
        self.batch = {
            "x": tf.constant(rng.normal(size=(BATCH, self.n_features)).astype("f4")),
            "x_default": tf.constant(rng.random((BATCH, self.n_features)) < 0.33),
            "y": tf.constant(np.eye(3, dtype="f4")[self.label]),
            "weight": tf.ones(BATCH),
        }
        self.default = self.batch["x_default"].numpy()
        self.integer = self.rules.columns["x"].integer
        self.optimizer = keras.optimizers.Adam(1e-4)
        self.optimizer.build(self.model.trainable_variables)
        self.weights = [variable.value for variable in self.model.trainable_variables]
        self.nominal_step = self.compiled(self.update)

    def compiled(self, function: Callable[[Any], Any]) -> Job:
        """Return a function of the batch as a compiled job."""
        compiled = tf.function(function, autograph=False)
        return lambda: compiled(self.batch)

    def gradients(self, batch: Any, training: bool = True) -> Any:
        """Return loss and gradients of the weights: a plain forward and backward pass."""
        with tf.GradientTape() as tape:
            scores = self.scores({"x": batch["x"]}, training=training)
            loss = weighted_mean(crossentropy(batch["y"], scores), batch["weight"])
        return loss, tape.gradient(loss, self.weights)

    def update(self, batch: Any) -> tf.Tensor:
        """Do a nominal training step."""
        loss, gradients = self.gradients(batch)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        return loss

    def attack(self, batch: Any, rules: Any = None, training: bool = False) -> Any:
        """Return the batch after FGSM within the rules."""
        return fgsm(label_loss(self.model, crossentropy, training=training), batch, rules or self.rules, EPS)

    def ours(self) -> dict[str, Job]:
        """Return everything of this library that is timed."""
        objective = label_loss(self.model, crossentropy)
        return {
            "forward + backward": self.compiled(self.gradients),
            "forward + backward, no dropout": self.compiled(lambda batch: self.gradients(batch, training=False)),
            "FGSM": self.compiled(self.attack),
            "FGSM, no ranges": self.compiled(lambda batch: self.attack(batch, replace(self.rules, ranges=False))),
            "FGSM, capped": self.compiled(lambda batch: self.attack(batch, self.capped)),
            "FGSM, dropout on": self.compiled(lambda batch: self.attack(batch, training=True)),
            "PGD-10": self.compiled(lambda batch: pgd(objective, batch, self.rules, EPS, seed=tf.constant(1))),
            "nominal step": self.nominal_step,
            "adversarial step": self.compiled(lambda batch: self.update(self.attack(batch))),
            "adversarial step, dropout on": self.compiled(lambda batch: self.update(self.attack(batch, training=True))),
        }

    def then_step(self, attack: Callable[[], Any]) -> Job:
        """Return a job: another library's attack, then our compiled nominal step on what it gives."""
        step = tf.function(self.update, autograph=False)
        return lambda: step({**self.batch, "x": tf.convert_to_tensor(attack(), tf.float32)})


def foolbox_attack(bench: Bench) -> Job:
    import foolbox

    model = foolbox.TensorFlowModel(bench.one_tensor, bounds=(-100, 100))
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    criterion = foolbox.criteria.Misclassification(tf.constant(bench.label))
    return lambda: attack.run(model, bench.batch["x"], criterion, epsilon=EPS)


def art_attack(bench: Bench) -> Job:
    from art.attacks.evasion import FastGradientMethod
    from art.estimators.classification import TensorFlowV2Classifier

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    shape = (bench.n_features,)
    classifier = TensorFlowV2Classifier(model=bench.one_tensor, nb_classes=3, input_shape=shape, loss_object=loss)
    attack = FastGradientMethod(classifier, eps=EPS, batch_size=BATCH)
    x = bench.batch["x"].numpy()
    return lambda: attack.generate(x, bench.label)


def torch_network(bench: Bench) -> Any:
    """Return the same layers, with the same weights, in PyTorch."""
    import torch

    kernels = [variable.numpy() for variable in bench.weights]
    layers: list[Any] = []
    for kernel, bias in zip(kernels[::2], kernels[1::2], strict=True):
        layer = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel.T))
            layer.bias.copy_(torch.from_numpy(bias))
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1]).eval()
    x = bench.batch["x"].numpy()[:100]
    difference = np.abs(network(torch.from_numpy(x)).detach().numpy() - bench.scores({"x": x}).numpy()).max()
    if difference > 1e-4:
        raise SystemExit(f"the networks in Keras and in PyTorch differ by {difference}")
    return network


def foolbox_torch_attack(bench: Bench) -> Job:
    import foolbox
    import torch

    model = foolbox.PyTorchModel(torch_network(bench), bounds=(-100, 100), device="cpu")
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    criterion = foolbox.criteria.Misclassification(torch.from_numpy(bench.label))
    x = torch.from_numpy(bench.batch["x"].numpy())
    return lambda: attack.run(model, x, criterion, epsilon=EPS)


def art_torch_attack(bench: Bench) -> Job:
    import torch
    from art.attacks.evasion import FastGradientMethod
    from art.estimators.classification import PyTorchClassifier

    classifier = PyTorchClassifier(
        torch_network(bench), torch.nn.CrossEntropyLoss(), (bench.n_features,), nb_classes=3, device_type="cpu"
    )
    attack = FastGradientMethod(classifier, eps=EPS, batch_size=BATCH)
    x = bench.batch["x"].numpy()
    return lambda: attack.generate(x, bench.label)


ATTACKS = {
    "foolbox": foolbox_attack,
    "foolbox (PyTorch)": foolbox_torch_attack,
    "ART": art_attack,
    "ART (PyTorch)": art_torch_attack,
}


def input_gradient(bench: Bench) -> tf.Tensor:
    x = tf.identity(bench.batch["x"])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_mean(crossentropy(bench.batch["y"], bench.scores({"x": x})))
    return tape.gradient(loss, x)


def column_loop(bench: Bench, cap: float = 0.0) -> np.ndarray:
    """The way of the original: all columns moved, then one after the other restored (and capped, in physical units)."""
    x = bench.batch["x"].numpy()
    attacked = x + EPS * np.sign(input_gradient(bench).numpy())
    for column in range(x.shape[1]):
        if bench.integer[column]:
            attacked[:, column] = x[:, column]
            continue
        default = bench.default[:, column]
        if default.any():
            attacked[default, column] = x[default, column]
        if cap:
            before, after = (values[:, column] * bench.std[column] + bench.mean[column] for values in (x, attacked))
            largest, change = cap * np.abs(before), after - before
            after = np.where(np.abs(change) > largest, before + largest * np.sign(change), after)
            attacked[:, column] = (after - bench.mean[column]) / bench.std[column]
    return attacked


def column_graph(bench: Bench, batch: Any) -> tf.Tensor:
    """The same loop over columns, in one compiled graph."""
    x, columns = batch["x"], []
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_mean(crossentropy(batch["y"], bench.scores({"x": x})))
    moved = x + EPS * tf.sign(tape.gradient(loss, x))
    for column in range(bench.n_features):
        restored = tf.where(batch["x_default"][:, column], x[:, column], moved[:, column])
        columns.append(x[:, column] if bench.integer[column] else restored)
    return tf.stack(columns, axis=1)


def check_equal(bench: Bench) -> None:
    rules = [replace(rules, ranges=False) for rules in (bench.rules, bench.capped)]  # the loop knows no ranges
    ours = [bench.attack(bench.batch, each)["x"].numpy() for each in rules]
    theirs = [column_loop(bench), column_loop(bench, CAP)]
    for first, second in zip(ours, theirs, strict=True):
        if (np.abs(first - second) > 1e-5).mean() > 1e-4:  # a slope of almost 0 may round to either sign
            raise SystemExit("the attack and the column loop disagree")


def others(bench: Bench, report: Report) -> dict[str, Job]:
    """Return the contestants that run; what does not run is reported with its error."""
    jobs: dict[str, Job] = {}
    for name, make in ATTACKS.items():
        try:
            attack = make(bench)
            moved = np.abs(np.asarray(attack()) - bench.batch["x"].numpy())
            if not np.isclose(moved.max(), EPS, rtol=1e-3):
                raise SystemExit(f"{name} moves inputs by {moved.max()}, not by {EPS}")
        except Exception as error:
            report.add(f"{name} does not run here", figure=f"{type(error).__name__}: {error}")
            continue
        jobs[f"FGSM by {name}"] = attack
        jobs[f"adversarial step by {name}"] = bench.then_step(attack)
    jobs["FGSM by column loop (numpy)"] = lambda: column_loop(bench)
    jobs["FGSM by column loop, capped"] = lambda: column_loop(bench, CAP)
    jobs["FGSM by column loop, one graph"] = bench.compiled(lambda batch: column_graph(bench, batch))
    jobs["adversarial step by column loop"] = bench.then_step(lambda: column_loop(bench))
    return jobs


def main() -> None:
    choice = options(__doc__.splitlines()[0])
    bench, report = Bench(), Report(f"Attacks: batch of {BATCH} jets, {bench_threads()}")
    check_equal(bench)
    jobs = bench.ours() | others(bench, report)
    repetitions = 7 if choice.quick else 25
    times = interleaved(jobs, repetitions, warm_up=2)
    goals = {name: jobs[name] for name in ("FGSM", "forward + backward", "adversarial step", "nominal step")}
    seconds = interleaved(goals, repetitions, clock=time.process_time)
    times |= {f"{name}, CPU seconds": value for name, value in seconds.items()}

    def row(what: str, baseline: str, goal: str = "-", limit: str = "-") -> None:
        ratio, given = times[what] / times[baseline], f"{baseline}: {ms(times[baseline])}"
        report.add(what, figure=ms(times[what]), baseline=given, ratio=ratio, goal=goal, limit=limit)

    row("FGSM", "forward + backward", "<= 0.60")
    row("FGSM, CPU seconds", "forward + backward, CPU seconds", "<= 0.60")
    row("FGSM", "forward + backward, no dropout")
    row("FGSM, no ranges", "forward + backward")
    row("FGSM, capped", "forward + backward")
    row("FGSM, dropout on", "forward + backward")
    row("PGD-10", "forward + backward")
    row("adversarial step", "nominal step", "<= 1.60")
    row("adversarial step, CPU seconds", "nominal step, CPU seconds", "<= 1.60")
    row("adversarial step, dropout on", "nominal step")
    for name in (name for name in times if " by " in name):
        ours = name.split(" by ")[0] + (", capped" if "capped" in name else "")
        # both do the nominal step: with an attack that took no time at all, the ratio would be this
        limit = f"{times[name] / times['nominal step']:.2f}" if "step" in name else "-"
        row(name, ours, "-" if "graph" in name else ">= 3.00", limit)
        if name in {f"FGSM by {other}" for other in ATTACKS}:  # they have one range for all inputs
            row(name, "FGSM, no ranges")
    report.finish(choice.json)


def bench_threads() -> str:
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms"


if __name__ == "__main__":
    main()
