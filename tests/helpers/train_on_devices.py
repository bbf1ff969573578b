"""One process of an adversarial training on several devices; keeps what it ends with.

python train_on_devices.py SETTINGS.json RESULT.npz [--cpus N] [--resume RUN_ID]
"""

import argparse
import json
from pathlib import Path


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--resume")
    return parser.parse_args()


def use_cpus(number):
    """Let TensorFlow see several CPU devices."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)


def keep_results(path):
    """Let the loop write the variables of every replica of this process, and the metrics, when it ends."""
    import numpy as np
    import tensorflow as tf

    from TauAdv.training import checkpoints, run

    class RecordedLoop(run.Loop):
        def run_to_end(self):
            state = super().run_to_end()
            found = {}
            for group, name, variable in checkpoints._named(self.trainer.model, self.trainer.optimizers):
                copies = tf.distribute.get_strategy().experimental_local_results(variable.value)
                if self.devices.strategy is not None:
                    copies = self.devices.strategy.experimental_local_results(variable.value)
                for i, copy in enumerate(copies):
                    found[f"{i}/{group}/{name}"] = copy.numpy()
            np.savez(path, **found)
            return state

    run.Loop = RecordedLoop


def main():
    arguments = parse()
    if arguments.cpus > 1:
        use_cpus(arguments.cpus)
    from TauAdv.config import load_settings
    from TauAdv.errors import report_errors
    from TauAdv.training.adversarial import train_adversarial
    from TauAdv.training.settings import AdversarialSettings

    keep_results(arguments.result)
    settings = load_settings(AdversarialSettings, None, json.loads(arguments.settings.read_text()))
    report_errors(train_adversarial)(settings, resume=arguments.resume)


if __name__ == "__main__":
    main()
