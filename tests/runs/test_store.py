"""The store of runs: made whole or not at all, moved, damaged, older ones, deleted runs."""

import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from TauAdv.errors import InputError, OutputLockedError
from TauAdv.io.locks import lock_path, output_lock
from TauAdv.runs import database as database_module
from TauAdv.runs import find_run, list_runs, lock_run, resume_run, start_run
from TauAdv.runs.database import DATABASE
from TauAdv.runs.errors import StoreError
from TauAdv.runs.store import require_place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with a finished run."""
    mlruns = tmp_path_factory.mktemp("store") / "mlruns"
    with start_run(mlruns, "one", "first") as run:
        run.log_params({"n_tau": 100})
        run.log_metrics({"loss": 0.5}, 3)
        run.log_text("x", "model/note.txt")
    return mlruns, run


@pytest.fixture
def copy(store, tmp_path):
    """A copy of it at another place, and the run."""
    return shutil.copytree(store[0], tmp_path / "copied" / "mlruns"), store[1]


def addresses(mlruns):
    with closing(sqlite3.connect(mlruns / DATABASE)) as database, database:
        (experiment,) = database.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 1").fetchone()
        return experiment, dict(database.execute("SELECT run_uuid, artifact_uri FROM runs"))


KILLED_IN_MAKING = """
import os, signal, sys, threading
from TauAdv.runs.records import _store_class
from TauAdv.runs.store import start_run
from TauAdv.runs.mlflow_revision import latest_revision
_store_class(), latest_revision()
print("ready", flush=True)
with start_run(sys.argv[1], "one"):
    pass
"""


@pytest.mark.parametrize("part", [0.1, 0.6])
def test_a_store_killed_while_it_is_made_is_made_again(tmp_path, part):
    mlruns = tmp_path / "mlruns"
    process = subprocess.Popen([sys.executable, "-c", KILLED_IN_MAKING, mlruns], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    while not list(mlruns.glob(f".{Path(DATABASE).stem}.*.tmp.db")):
        time.sleep(0.001)
    size = part * 700_000  # bytes of a whole one: about
    while (found := list(mlruns.glob(".mlflow.*.tmp.db"))) and found[0].stat().st_size < size:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with start_run(mlruns, "one", "again") as run:
        pass
    assert [entry.name for entry in list_runs(mlruns) if entry.id == run.id] == ["again"]
    assert {path.name for path in mlruns.iterdir()} == {DATABASE, run.experiment_id}


def test_an_unfinished_store_of_an_earlier_version_is_made_anew(tmp_path):
    mlruns = tmp_path / "mlruns"
    mlruns.mkdir()
    with closing(sqlite3.connect(mlruns / DATABASE)) as database, database:  # as far as a killed process came
        database.execute("CREATE TABLE experiments (experiment_id INTEGER)")
        database.execute("CREATE TABLE runs (run_uuid TEXT)")
    with pytest.raises(InputError, match=r"mlflow\.db: is an MLflow database that was not finished"):
        list_runs(mlruns)
    with start_run(mlruns, "one", "new"):
        pass
    assert [run.name for run in list_runs(mlruns)] == ["new"]


def test_links_are_not_followed(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.write_text("kept")
    mlruns = tmp_path / "mlruns"
    mlruns.mkdir()
    for name in (".starting", lock_path(mlruns / DATABASE).name):
        (mlruns / name).symlink_to(foreign)
    with pytest.raises(OSError, match="is a link, which is not followed"), start_run(mlruns, "one"):
        pass
    assert foreign.read_text() == "kept"


@pytest.mark.parametrize("look", [lambda mlruns, run: find_run(mlruns, run.id), lambda mlruns, run: list_runs(mlruns)])
def test_reading_a_copy_mends_its_addresses(copy, store, look):
    mlruns, run = copy
    here = mlruns / run.experiment_id / run.id / "artifacts"
    assert addresses(mlruns)[1] == {run.id: run.artifacts.as_uri()}  # of the original
    look(mlruns, run)
    assert addresses(mlruns) == ((mlruns / run.experiment_id).as_uri(), {run.id: here.as_uri()})
    assert addresses(store[0])[1] == {run.id: run.artifacts.as_uri()}


def test_a_store_that_is_used_is_not_written(copy):
    mlruns, run = copy
    before = (mlruns / DATABASE).read_bytes()
    with output_lock(mlruns / run.experiment_id / run.id / "artifacts"):
        assert find_run(mlruns, run.id).params == {"n_tau": "100"}
    with output_lock(mlruns / DATABASE):
        find_run(mlruns, run.id)
    database = sqlite3.connect(mlruns / DATABASE)
    database.execute("BEGIN IMMEDIATE")
    find_run(mlruns, run.id)
    database.rollback()
    database.close()
    assert (mlruns / DATABASE).read_bytes() == before


@pytest.mark.parametrize("name", ["a b", "a#b", "a%b", "a&b;c", "a'b\"c", "a:b", "ä π"])
def test_names_of_folders(store, tmp_path, name):
    mlruns = shutil.copytree(store[0], tmp_path / name / "mlruns")
    found = find_run(mlruns, store[1].id)
    assert found.metrics == {"loss": 0.5}
    with start_run(mlruns, "one", "here") as run:
        pass
    assert run.artifacts.is_dir()
    assert addresses(mlruns)[1] == {entry.id: entry.artifacts.as_uri() for entry in (found, run)}


@pytest.mark.parametrize("name", ["a?b", "a%20b", "a%3Fb"])
def test_names_that_are_no_part_of_an_address_are_refused_at_once(tmp_path, name):
    mlruns = tmp_path / name / "mlruns"
    with (
        pytest.raises(InputError, match=r"MLflow cannot keep runs under a path with '\?', or with '%'"),
        start_run(mlruns, "one"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def set_revision(revision):
    def change(path):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    return change


def drop_table(path):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE metrics")


def other_program(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE songs (title TEXT)")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "is damaged or cut short; put a copy of the file back"),
        (lambda path: os.truncate(path, 0), r"is empty \(0 bytes\), but there are runs in"),
        (lambda path: path.write_text("no database"), "not a SQLite database, it begins with b'no database'"),
        (set_revision("0" * 12), "was made by a later version of MLflow .* update MLflow"),
        (set_revision("451aebb31d03"), "was made by an earlier version of MLflow .* mlflow db upgrade 'sqlite:///"),
        (drop_table, "is damaged: a table is missing"),
        (other_program, r"a SQLite database of another program \(tables songs\)"),
    ],
)
def test_damaged_databases_are_named_and_left_alone(copy, damage, message):
    mlruns, run = copy
    damage(mlruns / DATABASE)
    before = (mlruns / DATABASE).read_bytes()
    starting = start_run(mlruns, "one")
    for use in (lambda: find_run(mlruns, run.id), lambda: list_runs(mlruns), starting.__enter__):
        with pytest.raises(InputError, match=rf"copied/mlruns/mlflow\.db: {message}"):
            use()
    with pytest.raises(InputError, match=message):
        require_place(mlruns)
    assert (mlruns / DATABASE).read_bytes() == before


def test_a_locked_database_is_named(copy, monkeypatch):
    mlruns, run = copy
    monkeypatch.setattr(database_module, "SECONDS_OF_WAITING", 0.0)
    database = sqlite3.connect(mlruns / DATABASE)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"mlflow\.db: is locked by another process"):
        find_run(mlruns, run.id)
    database.rollback()
    database.close()


def test_advice_can_be_pasted(store, tmp_path):
    mlruns = shutil.copytree(store[0], tmp_path / "tau's runs" / "mlruns")
    find_run(mlruns, store[1].id)._store._store.delete_run(store[1].id)
    with pytest.raises(InputError, match="this brings it back: ") as error:
        find_run(mlruns, store[1].id)
    words = shlex.split(str(error.value).partition("brings it back: ")[2])
    address = f"MLFLOW_TRACKING_URI=sqlite:///{mlruns}/mlflow.db"
    assert words == [address, "mlflow", "runs", "restore", "--run-id", store[1].id]


def test_deleted_runs_are_called_deleted(copy):
    mlruns, first = copy
    with start_run(mlruns, "two", "second") as second:
        pass
    mlflow_store = second._store._store
    mlflow_store.delete_run(first.id)
    assert [run.id for run in list_runs(mlruns)] == [second.id]
    with pytest.raises(
        InputError, match=rf"run {first.id} \(first\) was deleted; .* mlflow runs restore --run-id {first.id}"
    ):
        find_run(mlruns, first.id)
    mlflow_store.delete_experiment(second.experiment_id)
    with pytest.raises(
        InputError, match=rf"experiment 'two' .* was deleted; .* restore --experiment-id {second.experiment_id}"
    ):
        find_run(mlruns, second.id)
    with pytest.raises(InputError, match=r"experiment 'two' .* was deleted"), start_run(mlruns, "two"):
        pass
    assert len(mlflow_store.search_experiments(ViewType.DELETED_ONLY)) == 1


RESUMING = """
import sys
from TauAdv.runs import resume_run
with resume_run(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_is_trained_once_at_a_time(copy):
    mlruns, run = copy
    command = [sys.executable, "-c", RESUMING, mlruns, run.id]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    by = rf"being trained by process {process.pid} on "
    with pytest.raises(OutputLockedError, match=rf"run {run.id} \(first\) is {by}"), resume_run(mlruns, run.id):
        pass
    assert f"being trained by process {process.pid} on " in find_run(mlruns, run.id).state
    process.kill()
    process.communicate()
    assert find_run(mlruns, run.id).state == "RUNNING, but no process trains it: it was killed"
    with lock_run(mlruns, run.id) as again, pytest.raises(OutputLockedError), resume_run(mlruns, again.id):
        pass
    with resume_run(mlruns, run.id):
        pass
    assert find_run(mlruns, run.id).state == "FINISHED"
    assert not lock_path(again.artifacts).exists()


def test_a_new_run_is_locked_too(copy):
    mlruns, _ = copy
    with (
        start_run(mlruns, "one") as run,
        pytest.raises(OutputLockedError, match="is being trained"),
        resume_run(mlruns, run.id),
    ):
        pass


@pytest.mark.parametrize("names", [("", "one", "a"), ("runs", " ", "a"), ("runs", "one", ""), ("runs", "one", "\u200b")])
def test_names_that_are_empty(names, tmp_path, monkeypatch):
    """An empty folder would be the working folder."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^(mlruns|experiment|run_name): expected a name, received an empty text$"):
        start_run(*names).__enter__()
    assert list(tmp_path.iterdir()) == []
