"""Run trainings in processes of their own, each ended by SIGKILL at a given moment; all but the last.

python killed_trainings.py PLAN.json, with {"script": ..., "mlruns": ..., "runs": [{"arguments": [...], "kill": {...}}, ...]}

Everything is imported once and the processes are forked, before TensorFlow has done anything: an import takes longer than
one of these trainings. "RUN" among the arguments stands for the identifier of the newest run in "mlruns".
"""

import gc
import importlib.util
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from TauAdv.runs import list_runs
from TauAdv.runs.records import MlflowStore
from TauAdv.training.run import checkpoints, loop
from TauAdv.training.step.trainer import Trainer


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def at_step(kill):
    """Die when the weights of the step are updated, but the step is not yet counted."""
    real = Trainer.train

    def train(self, *arguments, **options):
        real(self, *arguments, **options)
        if self.killed_at is not None and self.killed_at == kill["step"]:
            die()

    before = loop.Loop._step

    def step(self, batch):
        self.trainer.killed_at = self.state.step
        before(self, batch)

    Trainer.killed_at = None
    Trainer.train, loop.Loop._step = train, step


def at_any_moment(kill):
    """Die some time after the beginning of a step, wherever the process then is."""
    before = loop.Loop._step

    def step(self, batch):
        if self.state.step == kill["step"]:
            threading.Timer(kill["seconds"], die).start()
        before(self, batch)

    loop.Loop._step = step


def in_checkpoint(kill):
    """Die when half of the first checkpoint from a step on is written."""

    def savez(path, **arrays):
        real(path, **arrays)
        if int(path.parent.name.split("_")[1].split(".")[0]) >= kill["step"]:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            die()

    real = np.savez
    checkpoints.np = type("numpy", (), {"savez": staticmethod(savez), "load": np.load, "int64": np.int64})


MOMENTS = {"step": at_step, "any": at_any_moment, "checkpoint": in_checkpoint}


def train(script, arguments, kill):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if kill is not None:
        MOMENTS[kill["moment"]](kill)
    sys.path.insert(0, str(Path(script).parent))  # as Python does for a script
    spec = importlib.util.spec_from_file_location("script", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(arguments)


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    Path(plan["mlruns"]).mkdir()
    MlflowStore(Path(plan["mlruns"]))
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    for run in plan["runs"]:
        newest = next((found.id for found in list_runs(plan["mlruns"])), "")
        arguments = [newest if argument == "RUN" else argument for argument in run["arguments"]]
        child = os.fork()
        if child == 0:
            try:
                train(plan["script"], arguments, run["kill"])
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        print(f"{run['kill']}: {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
