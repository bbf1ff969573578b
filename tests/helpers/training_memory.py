"""Print the growth of this process over some training steps, and its estimate: python training_memory.py SETTINGS.yaml"""

import gc
import json
import sys
from pathlib import Path

import tensorflow as tf
from training_classes import load_adversarial

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.memory import estimate_memory
from TauAdv.training.step.trainer import Trainer


def status(key: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key)]
    return int(line.split()[1]) * 1024


settings = load_adversarial(sys.argv[1])
inputs = open_inputs(settings)
tf.add(tf.constant(1.0), 1.0)
gc.collect()
before = status("VmRSS")
trainer = Trainer(build_adversarial(load_network(settings.model.network), seed=1), settings)
knobs = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 1.0}
for batch in inputs.training(0):
    trainer.train(batch, knobs)
print(json.dumps({"measured": status("VmHWM") - before, "estimated": estimate_memory(trainer.model, inputs).total}))
