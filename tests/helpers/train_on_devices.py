"""Processes of adversarial trainings on several devices; they keep the variables of their replicas at every checkpoint.

python train_on_devices.py PLAN.json, a list of {"name": ..., "folder": ..., "settings": {...}, "environment": {...}} with
"cpus", "die_after" and "resume_with_dropout" where they apply. Each process writes FOLDER/NAME.log, and its exit status
comes into FOLDER/NAME.status.

Everything is imported once and the processes are forked, before TensorFlow has done anything.
"""

import gc
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from network_batches import paired_batch, take_taus, tiny_network
from training_classes import load_adversarial

from TauAdv.cli.report import report_errors
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.runs import list_runs
from TauAdv.training.devices.devices import open_devices
from TauAdv.training.run import checkpoints
from TauAdv.training.run import train as run
from TauAdv.training.step.trainer import Trainer


def use_cpus(number):
    """Let TensorFlow see several CPU devices."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)


def variables(trainer):
    """Variables of model and optimisers by replica and name."""
    named = dict(checkpoints.model_variables(trainer.model))
    for group, optimizer in trainer.optimizers.items():
        named |= {f"{group}/{name}": value for name, value in optimizer.state().items()}
    local = trainer.devices.strategy.experimental_local_results
    copies = {name: getattr(value, "copies", None) or local(value.value) for name, value in named.items()}
    return {f"{i}/{name}": copy.numpy() for name, found in copies.items() for i, copy in enumerate(found)}


def record(results, die_after):
    """Let the loop write the variables at every checkpoint, and kill the process after a step."""

    class RecordedLoop(run.Loop):
        def checkpoint(self):
            super().checkpoint()
            np.savez(f"{results}_{self.state.step}.npz", **variables(self.trainer))

        def _step(self, batch):
            super()._step(batch)
            if self.state.step == die_after:
                os.kill(os.getpid(), signal.SIGKILL)

    run.Loop = RecordedLoop


def resume_with_dropout(results):
    """Write the variables after four steps with dropout, without and with a restart from a checkpoint after two."""
    devices = open_devices("mirrored")
    small = {"components": {"egamma": {"n_features": 5, "widths": [4]}}, "merge": {"widths": [4]}}
    heads = {"class_head": {"widths": [6]}, "adversarial_head": {"widths": [6]}}
    network = tiny_network(
        dropout=0.3,
        tau={"n_features": 6, "widths": [5]},
        grids={"inner": {"n_cells": 3}, "outer": {"n_cells": 3}},
        **small,
        **heads,
    )
    with devices.scope():
        model = build_adversarial(network, seed=1)
    sizes = {"data.n_tau": 8, "data.n_adv_tau": 4}
    trainer = Trainer(model, load_adversarial(None, {"data.shards": "a", "data.adv_shards": "b", **sizes}), devices)
    devices.spread_seeds(model)
    knobs = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 3.0}

    def train(steps):
        for step in steps:
            batch = paired_batch(network, 8, 4, seed=step)
            trainer.train([take_taus(batch, np.r_[0:4, 8:10]), take_taus(batch, np.r_[4:8, 10:12])], knobs)

    train(range(2))
    folder = results.parent / "dropout"
    saved = checkpoints.save(folder, model, trainer.optimizers, trainer.sums.read(), checkpoints.State(step=2))
    train(range(2, 4))
    np.savez(f"{results}_whole.npz", **variables(trainer))
    for value in model.variables:
        value.assign(value + 1)
    checkpoints.restore(saved, model, trainer.optimizers)
    devices.spread_seeds(model)
    train(range(2, 4))
    np.savez(f"{results}_resumed.npz", **variables(trainer))


def train(process):
    """Be one of the processes."""
    os.environ.update(process["environment"])
    results = Path(process["folder"]) / process["name"]
    with results.with_suffix(".log").open("w") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    if "cpus" in process:
        use_cpus(process["cpus"])
    record(results, process.get("die_after"))
    settings = load_adversarial(None, process["settings"])
    report_errors(lambda: run.train(settings))()
    if process.get("resume_with_dropout"):
        resume_with_dropout(results)


def forked(process):
    """Start a process; return its identifier."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        train(process)
        status = 0
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    list_runs(plan[0]["settings"]["output.mlruns"])  # imports what reads runs
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    children = {forked(process): process for process in plan}
    while children:
        child, status = os.wait()
        process = children.pop(child)
        (Path(process["folder"]) / f"{process['name']}.status").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
