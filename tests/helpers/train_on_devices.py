"""One process of an adversarial training on several devices; keeps the variables of its replicas at every checkpoint.

python train_on_devices.py SETTINGS.json RESULTS [--cpus N] [--die-after STEP] [--resume-with-dropout]
"""

import argparse
import json
import os
import signal
from pathlib import Path

import numpy as np


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--die-after", type=int)
    parser.add_argument("--resume-with-dropout", action="store_true")
    return parser.parse_args()


def use_cpus(number):
    """Let TensorFlow see several CPU devices."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)


def variables(trainer):
    """Variables of model and optimisers by replica and name."""
    from TauAdv.training.run.checkpoints import model_variables

    named = dict(model_variables(trainer.model))
    for group, optimizer in trainer.optimizers.items():
        named |= {f"{group}/{name}": value for name, value in optimizer.state().items()}
    copies = trainer.devices.strategy.experimental_local_results
    return {f"{i}/{name}": copy.numpy() for name, value in named.items() for i, copy in enumerate(copies(value.value))}


def record(results, die_after):
    """Let the loop write the variables at every checkpoint, and kill the process after a step."""
    from TauAdv.training.run import train as run

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
    from network_batches import paired_batch, take_taus, tiny_network
    from training_classes import AdversarialSettings

    from TauAdv.config import load_settings
    from TauAdv.models.deeptau.network import build_adversarial
    from TauAdv.training.devices.devices import open_devices
    from TauAdv.training.run import checkpoints
    from TauAdv.training.step.trainer import Trainer

    devices = open_devices("mirrored")
    small = {"components": {"egamma": {"n_features": 5, "widths": [4]}}, "merge": {"widths": [4]}}
    heads = {"class_head": {"widths": [6]}, "adversarial_head": {"widths": [6]}}
    network = tiny_network(
        dropout=0.3, tau={"n_features": 6, "widths": [5]}, grids={"inner": {"n_cells": 3}}, **small, **heads
    )
    with devices.scope():
        model = build_adversarial(network, seed=1)
    sizes = {"n_tau": 8, "n_adv_tau": 4}
    trainer = Trainer(model, load_settings(AdversarialSettings, None, {"shards": "a", "adv_shards": "b", **sizes}), devices)
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


def main():
    arguments = parse()
    if arguments.cpus > 1:
        use_cpus(arguments.cpus)
    from training_classes import AdversarialSettings

    from TauAdv.config import load_settings
    from TauAdv.errors import report_errors
    from TauAdv.training.run.train import train

    record(arguments.results, arguments.die_after)
    settings = load_settings(AdversarialSettings, None, json.loads(arguments.settings.read_text()))
    report_errors(lambda: train(settings))()
    if arguments.resume_with_dropout:
        resume_with_dropout(arguments.results)


if __name__ == "__main__":
    main()
