"""Trainings killed by SIGKILL, again and again, end as the one that was never stopped: bit for bit, on one thread.

Every kill is a process that traces its step anew, five seconds; bench/reliability.py kills more often, and all kinds.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from TauAdv.config import dump_settings
from TauAdv.models.loading import load_model
from TauAdv.runs import list_runs
from TauAdv.training.run import checkpoints

pytestmark = pytest.mark.slow

SEED = 20180613
N_STEPS = 20
HELPER = Path(__file__).parents[2] / "helpers" / "killed_trainings.py"


def moments():
    """Two random steps, one of which at a random moment of it; then while a checkpoint is written."""
    rng = np.random.default_rng(SEED)
    steps = np.sort(rng.choice(np.arange(1, N_STEPS - 2), 2, replace=False)).tolist()
    kills = [{"moment": "step", "step": step} for step in steps]
    kills[int(rng.integers(2))] |= {"moment": "any", "seconds": float(rng.uniform(0, 0.02))}
    return [*kills, {"moment": "checkpoint", "step": N_STEPS - 2}]


@pytest.fixture(scope="module")
def runs(resumable, tmp_path_factory, repository):
    """The uninterrupted run and the one that was killed, and what the processes said."""
    from training_classes import load_adversarial

    folder = tmp_path_factory.mktemp("killed")
    changes = {
        **resumable,
        "schedule.clip_norm": 1.0,
        "output.gradient_steps": 0,
        "output.checkpoint_steps": 3,
        "output.mlruns": folder / "mlruns",
    }
    (folder / "training.yaml").write_text(dump_settings(load_adversarial(None, changes)))
    new = ["--config", str(folder / "training.yaml")]
    kills = moments()
    plan = [
        {"arguments": [*new, "output.run_name=whole"], "kill": None},
        {"arguments": [*new, "output.run_name=cut"], "kill": kills[0]},
    ]
    again = ["--resume", "RUN", "--mlpath", str(folder / "mlruns")]
    plan += [{"arguments": again, "kill": kill} for kill in [*kills[1:], None]]
    script = str(repository / "Training" / "train_adversarial.py")
    (folder / "plan.json").write_text(json.dumps({"script": script, "mlruns": str(folder / "mlruns"), "runs": plan}))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    done = subprocess.run(
        [sys.executable, HELPER, folder / "plan.json"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **threads},
    )
    assert done.returncode == 0, done.stderr
    found = {run.name: run for run in list_runs(folder / "mlruns")}
    return found["whole"], found["cut"], done.stdout


def variables(run):
    with np.load(run.artifacts / "model_checkpoints" / f"step_{N_STEPS:09d}" / "variables.npz") as stored:
        return {name: stored[name] for name in stored.files}


def test_processes_were_killed_where_planned(runs):
    whole, cut, said = runs
    for kill in moments():
        assert f"{kill}: {-signal.SIGKILL}" in said
    assert said.count("None: 0") == 2
    assert (whole.status, cut.status) == ("FINISHED", "FINISHED")
    assert said.count("resuming after step") == len(moments())


def test_weights_optimisers_and_random_states_are_equal(runs):
    expected, found = (variables(run) for run in runs[:2])
    assert {name.split("/")[0] for name in expected} == {"window", "model", "optimizer", "adv_optimizer"}
    assert expected["optimizer/iterations"] == expected["adv_optimizer/iterations"] == N_STEPS
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_models_and_metrics_are_equal(runs):
    whole, cut, _ = runs
    models = [load_model(run.artifacts / "model" / "model.keras") for run in (whole, cut)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(other, one)
    names = [name for name in whole.metrics if not name.endswith("taus_per_second") and not name.startswith("system/")]
    for name in names:
        assert cut.metric_history(name) == whole.metric_history(name), name


def test_nothing_half_written_is_left(runs):
    whole, cut, _ = runs
    for folder in ("model_checkpoints", "model"):
        names = [sorted(path.name for path in (run.artifacts / folder).iterdir()) for run in (whole, cut)]
        assert names[0] == names[1]
    assert checkpoints.latest_checkpoint(cut.artifacts / "model_checkpoints").name == f"step_{N_STEPS:09d}"
