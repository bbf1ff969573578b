"""Two taggers of taus on the demo's samples: `deeptau_demo` and the transformer, each trained three times alike.

Reads the shards that `make demo` leaves in demo_output (`--demo FOLDER`: elsewhere). Every training is a process of its own,
on one thread. Settings are those of the demo's classifier; learning rates were fixed before the test set was looked at.
Rates are CPU time: of training steps with all metrics, and of predictions, on batches of the test set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from report import Report, interleaved, parser

from TauAdv.cli.options import path

TAGGERS: Mapping[str, Mapping[str, Any]] = {
    "deeptau_demo": {"tagger": "deeptau", "model.network": "deeptau_demo", "schedule.learning_rate": 0.003},
    "tau_transformer_demo": {
        "tagger": "tau_transformer",
        "model.network": "tau_transformer_demo",
        "schedule.learning_rate": 0.002,
    },
}
SEEDS, EPOCHS = (1, 2, 3), 13
WORKING_POINTS = (0.7, 0.9)
N_TRAINING, N_PREDICTED = 256, 1000
LARGEST = 150_000
"""Parameters that the demo's transformer may have."""


def settings(name: str, demo: Path, seed: int, epochs: int) -> Any:
    """Return the settings of a training."""
    from TauAdv.training.settings.load import training_settings

    own = {**TAGGERS[name], "data.shards": demo / "train/shards_classification", "seed": seed, "schedule.n_epochs": epochs}
    steps = {"data.n_tau": N_TRAINING, "schedule.n_batches": 100, "schedule.learning_rate_schedule": {"kind": "cosine"}}
    other = {
        "data.validation_fraction": 0.1,
        "output.gradient_steps": 0,
        "output.system_metrics": False,
        "output.mlruns": Path("mlruns").resolve(),
    }
    return training_settings(None, {**own, **steps, **other})


def measure(name: str, demo: Path, seed: int, epochs: int) -> dict[str, float]:
    """Train once, and return what the model does on the test set."""
    from TauAdv.domain.classes import TAU_CLASSES
    from TauAdv.evaluation.measures.mis_id import mis_id_at
    from TauAdv.evaluation.measures.roc import auc
    from TauAdv.evaluation.predictions.inference import predict
    from TauAdv.runs import find_run
    from TauAdv.runs.layout import MODEL
    from TauAdv.shards.store import ShardSet
    from TauAdv.taggers.registry import read_tagger
    from TauAdv.training.run.train import train

    asked, start = settings(name, demo, seed, epochs), time.process_time()
    run = find_run(asked.output.mlruns, str(train(asked)))
    seconds = time.process_time() - start
    table = predict(read_tagger(run.artifacts / MODEL), ShardSet.open(demo / "test/shards_classification")).table
    tau, jet = (table[table["y"] == TAU_CLASSES.index(side)] for side in ("tau", "jet"))
    scores = [side["Djet"].to_numpy() for side in (tau, jet)]
    weights = [side["weights"].to_numpy() for side in (tau, jet)]
    found = {"seconds": seconds, "auc": auc(*scores, *weights).value, "auc_error": auc(*scores, *weights).error}
    for point in WORKING_POINTS:
        mis_id = mis_id_at(point, *scores, *weights)
        found |= {f"mis_id_{point:g}": mis_id.mis_id.value, f"mis_id_{point:g}_error": mis_id.error}
    return found


def rates(demo: Path, repetitions: int) -> dict[str, dict[str, float]]:
    """Return taus a second of training and prediction, and the number of parameters, by tagger."""
    import tensorflow as tf

    from TauAdv.shards.store import ShardSet
    from TauAdv.training.step.trainer import Trainer

    shards, found, jobs = ShardSet.open(demo / "test/shards_classification"), {}, {}

    def batches(size: int) -> list[dict[str, Any]]:
        taken = [shards.take(np.arange(k * size, (k + 1) * size)) for k in range(4)]
        return [
            {name: tf.constant(values) for name, values in {**taus.as_inputs(), **_truth(columns)}.items()}
            for taus, columns in taken
        ]

    def in_turn(work: Callable[[Any], Any], size: int) -> Callable[[], None]:
        turns = batches(size)

        def job() -> None:
            for batch in turns:
                work(batch)

        return job

    for name in TAGGERS:
        asked = settings(name, demo, 1, 1)
        model = asked.spec.model_type().classifier(asked.spec.load_network(asked.model.network), seed=1)
        trainer, compute = Trainer(model, asked), asked.spec.inference(model)
        found[name] = {"parameters": float(model.count_params())}

        def train(batch: Any, trainer: Any = trainer) -> None:
            trainer.train(batch, {"learning_rate": 1e-3})
            trainer.sums.read()  # waits for the step

        jobs[name, "training"] = in_turn(train, N_TRAINING)
        jobs[name, "prediction"] = in_turn(lambda batch, compute=compute: compute(batch)["main_output"].numpy(), N_PREDICTED)
    sizes = {"training": 4 * N_TRAINING, "prediction": 4 * N_PREDICTED}
    for (name, kind), seconds in interleaved(jobs, repetitions, clock=time.process_time).items():
        found[name][kind] = sizes[kind] / seconds
    return found


def _truth(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": columns["y"].astype(np.float32), "weight": columns["weight"].astype(np.float32)}


def in_process(what: str, *words: Any) -> Any:
    """Return what a process of its own, on one thread, finds."""
    command = [sys.executable, __file__, "--child", what, *map(str, words)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, **one, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": root}
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(command, cwd=scratch, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(what: str, *words: str) -> None:
    """Do the work of a process of its own, and print what it found."""
    if what == "rates":
        found: Any = rates(Path(words[0]), int(words[1]))
    else:
        found = measure(words[0], Path(words[1]), int(words[2]), int(words[3]))
    print(json.dumps(found))


def add_quality(report: Report, trained: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Add the figures of the test set: mean and spread of the seeds, with the statistical error of one."""
    titles = {"auc": "AUC tau against jet"} | {f"mis_id_{p:g}": f"jet mis-id at {p:.0%} efficiency" for p in WORKING_POINTS}
    for key, title in titles.items():
        peer, ours = ([run[key] for run in trained[name]] for name in TAGGERS)
        error = np.mean([run[f"{key}_error"] for run in trained["tau_transformer_demo"]])
        report.add(
            f"{title} (statistical error {error:.4f})",
            figure=spread(ours),
            baseline=spread(peer),
            ratio=float(np.mean(ours) / np.mean(peer)),
            goal=">= peer" if key == "auc" else "<= peer",
        )


def spread(values: Sequence[float]) -> str:
    """Return mean and standard deviation."""
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else f"{values[0]:.4f}"


def main() -> None:
    """Train, measure, print."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--demo", type=path, default=Path("demo_output"), help="output of make demo (demo_output)")
    arguments = options.parse_args()
    demo, (seeds, epochs, repetitions) = arguments.demo.resolve(), ((1,), 2, 3) if arguments.quick else (SEEDS, EPOCHS, 7)
    trained: dict[str, list[dict[str, float]]] = {name: [] for name in TAGGERS}
    for seed in seeds:
        for name, found in trained.items():
            found.append(in_process("measure", name, demo, seed, epochs))
            print(f"{name}, seed {seed}: {found[-1]}", flush=True)
    speed = in_process("rates", demo, repetitions)
    report = Report(
        f"Taggers of taus, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}, {epochs} x 100 steps of {N_TRAINING}"
    )
    add_quality(report, trained)
    peer, ours = (speed[name] for name in TAGGERS)
    sizes = {"figure": f"{ours['parameters']:,.0f}", "baseline": f"{peer['parameters']:,.0f}"}
    report.add("parameters", **sizes, ratio=ours["parameters"] / peer["parameters"], goal=f"<= {LARGEST:,}")
    for kind in ("training", "prediction"):
        figures = {"figure": f"{ours[kind]:,.0f} taus/s", "baseline": f"{peer[kind]:,.0f} taus/s"}
        report.add(f"{kind}, one core", **figures, ratio=ours[kind] / peer[kind])
    report.finish(arguments.json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
