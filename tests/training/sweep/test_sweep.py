"""Whole sweeps of small trainings of jets: interrupted, resumed, refused, with trainings that fail."""

import csv
import json
import signal

import numpy as np
import pytest

from TauAdv.batch.job import Job
from TauAdv.cli.main import main
from TauAdv.config import dump_settings
from TauAdv.errors import ConfigError, InputError, OutputLockedError
from TauAdv.runs import list_runs, lock_run, start_run
from TauAdv.runs.layout import MODEL, SWEEP
from TauAdv.runs.nested import child_runs
from TauAdv.training.run import train as training
from TauAdv.training.run.checkpoints import latest_checkpoint
from TauAdv.training.run.loop import Loop
from TauAdv.training.run.shared import Trainer
from TauAdv.training.sweep import sweep as sweeps
from TauAdv.training.sweep.settings import is_sweep, sweep_settings
from TauAdv.training.sweep.sweep import SweepError, resume_sweep, run_sweep

pytestmark = pytest.mark.slow


@pytest.fixture
def config(settings_of_jets, tmp_path):
    """Configuration of a training of five steps."""
    path = tmp_path / "training.yaml"
    path.write_text(
        dump_settings(settings_of_jets(n_epochs=1, validation_shards=None, system_metrics=False, gradient_steps=0))
    )
    return path


@pytest.fixture
def mlruns(tmp_path):
    return tmp_path / "mlruns"


def parent_in(mlruns):
    (parent,) = [run for run in list_runs(mlruns) if is_sweep(run)]
    return parent


def variables(run):
    with np.load(latest_checkpoint(run.artifacts / "model_checkpoints") / "variables.npz") as stored:
        return {name: stored[name] for name in stored.files}


def seeds(runs):
    return sorted(run.params["seed"] for run in runs)


def interrupt_in(monkeypatch, number):
    """Let the user press Ctrl-C in the fourth step of a training, by its number."""
    step, loops = Loop._step, []

    def interrupted(self, batch):
        if self not in loops:
            loops.append(self)
        if len(loops) == number and self.state.step == 3:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch)

    monkeypatch.setattr(Loop, "_step", interrupted)


def test_interrupted_sweep_resumes_by_the_same_command(config, mlruns, monkeypatch, capsys):
    words = ["train", "--config", str(config), "seed=1,2,3", "output.run_name=scan"]
    interrupt_in(monkeypatch, 2)
    with pytest.raises(SystemExit, match="130"):
        main(words)
    monkeypatch.undo()
    parent = parent_in(mlruns)
    assert parent.status == "KILLED"
    assert {run.params["seed"]: run.status for run in child_runs(parent)} == {"1": "FINISHED", "2": "KILLED"}
    assert f"do what is left with: tauadv resume {parent.id}" in capsys.readouterr().out
    made = []
    begin = Trainer.__init__
    monkeypatch.setattr(Trainer, "__init__", lambda self, *given: made.append(self) or begin(self, *given))
    main(words)
    said = capsys.readouterr().out
    assert "training 1 of 3, seed=1: is finished" in said
    assert "resuming after step 4 of 5" in said
    assert len(made) == 1  # one graph for what was left
    parent = parent_in(mlruns)
    children = child_runs(parent)
    assert (parent.status, seeds(children)) == ("FINISHED", ["1", "2", "3"])
    assert {run.name for run in children} == {"scan: seed=1", "scan: seed=2", "scan: seed=3"}
    with (parent.artifacts / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert json.loads((parent.artifacts / "results.json").read_text())[2]["seed"] == rows[2]["seed"] == "3"
    by_id = {run.id: run for run in children}
    for row in rows:
        run = by_id[row["run"]]
        assert (row["seed"], row["status"]) == (run.params["seed"], "FINISHED")
        assert float(row["loss"]) == run.metrics["loss"]
        assert f"{run.metrics['loss']:.4f}" in next(line for line in said.splitlines()[::-1] if line.endswith(run.id))
    main(["train", "--config", str(config), "seed=2", "output.experiment=alone"])
    (alone,) = [run for run in list_runs(mlruns) if run.experiment_id != parent.experiment_id]
    (found,) = [run for run in children if run.params["seed"] == "2"]
    expected = variables(alone)
    assert expected.keys() == variables(found).keys()
    for name, value in variables(found).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_training_that_fails_does_not_stop_the_others(config, mlruns, capsys):
    sweep = sweep_settings(config, ["schedule.learning_rate=1e30,0.01", "output.run_name=scan"])
    with pytest.raises(SweepError, match="1 of the 2 trainings failed: learning_rate=1e30"):
        run_sweep(sweep)
    parent = parent_in(mlruns)
    shown = capsys.readouterr()
    assert "training 1 (learning_rate=1e30) failed: " in shown.err
    assert [run.status for run in child_runs(parent)] == ["FINISHED", "FAILED"]
    rows = json.loads((parent.artifacts / "results.json").read_text())
    assert [row["status"] for row in rows] == ["FAILED", "FINISHED"]
    assert parent.status == "FAILED"
    with pytest.raises(
        ConfigError,
        match=r"(?s)unfinished sweep of that name.*schedule\.learning_rate: 1e\+30, 0\.01 before, 0\.5, 0\.01 now",
    ):
        run_sweep(sweep_settings(config, ["schedule.learning_rate=0.5,0.01", "output.run_name=scan"]))
    with pytest.raises(ConfigError, match=r"was started with schedule\.learning_rate=1e30,0\.01, received"):
        resume_sweep(parent, ["schedule.learning_rate=0.5"])
    with pytest.raises(ConfigError, match="seed: cannot change when a run is resumed"):
        resume_sweep(parent, ["seed=5"])
    with lock_run(parent.mlpath, parent.id), pytest.raises(OutputLockedError, match="is being trained by"):
        resume_sweep(parent)
    before = sorted(path.stat().st_mtime_ns for path in parent.mlpath.rglob("*"))
    resume_sweep(parent, dry_run=True)
    assert sorted(path.stat().st_mtime_ns for path in parent.mlpath.rglob("*")) == before


def test_run_of_a_sweep_has_no_model(tmp_path):
    with start_run(tmp_path / "mlruns", "e", "scan") as run:
        run.log_text("{}", SWEEP)
    with pytest.raises(InputError, match=r"is a sweep and has no model/model\.keras itself: take one of its trainings"):
        run.require_file(MODEL, "train it")


def test_nothing_starts_if_one_training_is_wrong(config, mlruns, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--config", str(config), "seed=1,2", "data.batch_size=64,100000"])
    assert "with seed=1, batch_size=100000 and 1 more: " in (said := capsys.readouterr().err)
    assert "do not fill one batch of data.batch_size = 100,000" in said
    assert not mlruns.exists()


def test_interrupted_before_the_first_training(config, mlruns, monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "require_inputs", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(SystemExit, match="130"):
        main(["train", "--config", str(config), "seed=1,2"])
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "sweep of 2 trainings over seed (2: 1; 2)",
        "the sweep was interrupted before its first training: nothing was started or written",
    ]
    assert shown.err == "interrupted\n"
    assert not mlruns.exists()


def test_dry_run(config, mlruns, capsys):
    main(["train", "--config", str(config), "--dry-run", "seed=1,2"])
    assert "sweep of 2 trainings over seed (2: 1; 2)" in capsys.readouterr().out
    assert not mlruns.exists()


def test_job_resumes_its_sweep(config, mlruns, monkeypatch):
    monkeypatch.setenv("TAUADV_JOB", "a" * 32)
    monkeypatch.setattr(training, "_run", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep_settings(config, ["seed=1,2"]))
    parent = parent_in(mlruns)
    assert [run.id for run in list_runs(mlruns) if "job" in run.tags] == [parent.id]
    job = Job("train", ["--config", str(config), "seed=1,2"], str(mlruns), several=False, id="a" * 32)
    assert job.command() == ["-P", "-m", "TauAdv", "resume", parent.id, "--mlpath", str(mlruns)]
