"""One kind of training step in a process of its own, so that its peak memory is its own: a line in, a step, a line out.

    python bench/training_worker.py dense|sparse PRECISION OCCUPANCY N_CLASS N_ADV

Started by ``network_training.py``. Prints ``ready``; then for every line ``step`` the CPU seconds of one step (one thread),
for ``sgemm`` the speed of a matrix product in FLOP/s, for ``memory`` the peak resident memory of the process in bytes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from dense_network import dense_network, two_tape_step
from synthetic_taus import OCCUPANCIES, dense_grids, paired_taus

from TauAdv.models.deeptau.settings import load_network

NETWORK = load_network("deeptau_v2p5")
TRUTH = ("y", "weight", "y_adv", "weight_adv")


def dense_step(occupancy: str, n_class: int, n_adv: int) -> Callable[[], None]:
    """Return the reference's way: dense grids, two tapes; the grids are made beforehand, and not timed."""
    step = two_tape_step(dense_network(NETWORK, with_adversary=True), n_class, n_adv)
    taus = paired_taus(NETWORK, n_class, n_adv, OCCUPANCIES[occupancy])
    truth = {name: tf.constant(taus[name]) for name in TRUTH}
    inputs = {name: tf.constant(values) for name, values in dense_grids(NETWORK, taus).items()}
    return lambda: step(inputs, truth)


def sparse_step(precision: str, occupancy: str, n_class: int, n_adv: int) -> Callable[[], None]:
    """Return our step as a training runs it, metrics included; the batches differ in their numbers of cells."""
    from TauAdv.models.deeptau.network import build_adversarial
    from TauAdv.training.settings.load import training_settings
    from TauAdv.training.step.trainer import Trainer

    wanted = {"data.shards": "none", "data.adv_shards": "none", "data.n_tau": n_class, "data.n_adv_tau": n_adv}
    model = build_adversarial(NETWORK, dtype=precision)
    trainer = Trainer(model, training_settings(None, {"method": "reversal", **wanted}))
    knobs = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 10.0}
    batches = []
    for seed in range(3):
        taus = paired_taus(NETWORK, n_class, n_adv, OCCUPANCIES[occupancy], seed)
        batches.append({name: tf.constant(values) for name, values in taus.items()})

    def step() -> None:
        batches.append(batches.pop(0))
        trainer.train(batches[0], knobs)
        trainer.sums.read()  # waits for the step

    return step


def sgemm(n: int = 2048) -> float:
    """Return the speed of a product of two float32 matrices, in FLOP/s."""
    a = tf.random.normal((n, n))
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        tf.linalg.matmul(a, a).numpy()
        best = min(best, time.process_time() - start)
    return 2 * n**3 / best


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def main() -> None:
    """Serve steps until the input ends."""
    kind, precision, occupancy, n_class, n_adv = sys.argv[1:]
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    sizes = (int(n_class), int(n_adv))
    step = dense_step(occupancy, *sizes) if kind == "dense" else sparse_step(precision, occupancy, *sizes)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        if line.strip() == "step":
            step()
            print(time.process_time() - start, flush=True)
        else:
            print(sgemm() if line.strip() == "sgemm" else peak_memory(), flush=True)


if __name__ == "__main__":
    main()
