"""Runs: where things lie, what is found again, what is refused."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from TauAdv.errors import InputError
from TauAdv.runs import DATABASE, experiment_of, find_run, list_runs, resume_run, start_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with one finished run."""
    mlruns = tmp_path_factory.mktemp("tracking") / "mlruns"
    with start_run(mlruns, "control region", "first", {"kind": "adversarial"}) as run:
        run.log_params({"adv": {"adv_parameter": [1, 10]}, "long": "x" * 10_000, "eps": {"track_*_D0": 0.5}})
        for step in range(2500):
            run.log_metrics({"loss": step / 2, "adv_loss": math.nan if step == 7 else 1.0}, step)
        run.log_text("a: 1\n", "input_cfg/training.yaml")
    return mlruns, run


def test_artifacts_lie_below_experiment_and_run(store):
    mlruns, run = store
    assert run.artifacts == mlruns / run.experiment_id / run.id / "artifacts"
    assert (run.artifacts / "input_cfg" / "training.yaml").read_text() == "a: 1\n"


def test_everything_logged_is_found_again(store):
    _, run = store
    found = find_run(run.mlpath, run.id)
    assert (found.name, found.status) == ("first", "FINISHED")
    assert found.params["adv.adv_parameter"] == "[1, 10]"
    assert found.params["long"].startswith("xxx")
    assert found.params["eps"] == "{'track_*_D0': 0.5}"  # no name for the store
    assert found.tags["kind"] == "adversarial"
    assert found.metric_history("loss") == [(step, step / 2) for step in range(2500)]
    assert math.isnan(dict(found.metric_history("adv_loss"))[7])


def test_a_metric_that_was_not_logged_is_named_with_those_that_were(store):
    _, run = store
    with pytest.raises(
        InputError, match=r"\(first\).*: no metric 'losss' \(did you mean 'loss'\?\); there are adv_loss, loss"
    ):
        run.metric_history("losss")
    with pytest.raises(InputError, match="metric_history: name: expected text; received 3"):
        run.metric_history(3)


def test_relative_folder_from_another_working_folder(store, monkeypatch):
    mlruns, run = store
    monkeypatch.chdir(mlruns.parent)
    assert find_run(f"mlruns/{run.experiment_id}", run.id).artifacts == run.artifacts
    assert find_run("mlruns", run.id).artifacts == run.artifacts
    assert sorted(path.name for path in mlruns.parent.iterdir()) == ["mlruns"]


def test_unknown_run_lists_the_known_ones(store):
    _, run = store
    with pytest.raises(InputError, match=rf"no run 'abc'(.|\n)*{run.id}  first"):
        find_run(run.mlpath, "abc")


def test_run_of_another_experiment_says_where_it_is(store):
    mlruns, run = store
    with start_run(mlruns, "another") as other:
        pass
    with pytest.raises(InputError, match=f"belongs to .*{other.experiment_id}"):
        find_run(run.mlpath, other.id)
    assert {entry.id for entry in list_runs(mlruns)} >= {run.id, other.id}


def test_folder_without_store(tmp_path):
    with pytest.raises(InputError, match=rf"found no {DATABASE}"):
        find_run(tmp_path / "mlruns" / "1", "abc")
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_broken_run_keeps_its_metrics_and_can_go_on(store, error, status):
    mlruns, _ = store
    with pytest.raises(error), start_run(mlruns, "another") as run:
        run.log_params({"n_tau": 100})
        run.log_metrics({"loss": 1.0}, 0)
        raise error
    assert find_run(mlruns, run.id).status == status
    with resume_run(run.mlpath, run.id) as again:
        assert again.status == "RUNNING"
        again.log_params({"n_tau": 100, "n_epochs": 2})
        again.log_metrics({"loss": 0.5}, 1)
    assert again.metric_history("loss") == [(0, 1.0), (1, 0.5)]
    assert (again.status, again.params) == ("FINISHED", {"n_tau": "100", "n_epochs": "2"})


def test_store_can_be_moved(tmp_path):
    with start_run(tmp_path / "mlruns", "moved") as run:
        run.log_text("x", "model/note.txt")
    moved = (tmp_path / "mlruns").rename(tmp_path / "elsewhere")
    found = find_run(moved / run.experiment_id, run.id)
    assert (found.artifacts / "model" / "note.txt").read_text() == "x"
    with start_run(moved, "moved") as second:
        pass
    assert second.experiment_id == run.experiment_id
    with closing(sqlite3.connect(moved / DATABASE)) as database:  # what MLflow's own page reads
        stored = dict(database.execute("SELECT run_uuid, artifact_uri FROM runs"))
    assert stored == {entry.id: entry.artifacts.as_uri() for entry in (found, second)}


def test_metrics_after_a_step_can_be_dropped(store):
    mlruns, _ = store
    with start_run(mlruns, "another") as run:
        for step in range(10):
            run.log_metrics({"step/loss": step, "loss": step}, step)
    run.drop_metrics(4, "step/")
    run.drop_metrics(7, except_prefix="step/")
    assert run.metric_history("step/loss") == [(step, step) for step in range(5)]
    assert run.metric_history("loss") == [(step, step) for step in range(8)]
    run.log_metrics({"step/loss": 50.0}, 5)
    assert run.metrics["step/loss"] == 50.0


def test_experiment_of_a_folder(store, tmp_path):
    mlruns, run = store
    assert experiment_of(tmp_path / "mlruns", "new") == (tmp_path / "mlruns", "new")
    assert experiment_of(mlruns, "new") == (mlruns, "new")
    assert experiment_of(run.mlpath, "new") == (mlruns, "control region")
    with pytest.raises(InputError, match=r"no such experiment .*known: .*\(control region\)"):
        experiment_of(mlruns / "77", "new")


def test_processes_may_start_the_first_runs_at_the_same_time(tmp_path):
    program = """
import os, sys
from TauAdv.runs import start_run
from mlflow.store.tracking import sqlalchemy_store
waiting, starting = os.pipe()
children = []
for name in sys.argv[2:]:
    children.append(os.fork())
    if children[-1] == 0:
        os.close(starting)
        os.read(waiting, 1)  # until all are there
        with start_run(sys.argv[1], "same", name):
            os.write(1, b"made\\n")
        os._exit(0)
os.close(starting)
print([os.waitpid(child, 0)[1] for child in children])
"""
    mlruns, names = tmp_path / "mlruns", ["one", "two", "three"]
    command = [sys.executable, "-c", program, mlruns, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "made\n" * 3 + "[0, 0, 0]\n", done.stderr
    assert sorted(run.name for run in list_runs(mlruns)) == sorted(names)


def test_figures_of_one_value_replace_all_of_their_group(store):
    mlruns, _ = store
    with start_run(mlruns, "e", "replaced") as run:
        run.log_metrics({"loss": 1.0}, 3)
        run.replace_metrics({"price/ratio": 1.1, "price/auc": 0.9})
        run.replace_metrics({"price/auc": 0.8})
    found = find_run(mlruns, run.id)
    assert [value for _, value in found.metric_history("price/auc")] == [0.8]
    assert found.metric_history("loss")
    with pytest.raises(InputError, match="price/ratio"):
        found.metric_history("price/ratio")


def test_a_file_that_is_there_can_be_replaced(store):
    mlruns, _ = store
    with start_run(mlruns, "e", "written") as run:
        run.log_text("{}", "performance.json")
    run.require_writable("performance.json")
