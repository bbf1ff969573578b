"""Runs in the file store of MLflow, as TauMLTools keeps them."""

import shlex
from pathlib import Path

import pandas as pd
import pytest

from TauAdv.errors import InputError, InputWarning
from TauAdv.evaluation.predictions.tables import read_predictions
from TauAdv.runs import find_run, has_runs, list_runs, resume_run, start_run
from TauAdv.runs.file_store import FileStore, migration

RUN, GONE = "e" * 32, "f" * 32


@pytest.fixture
def mlruns(tmp_path):
    folder = tmp_path / "mlruns"
    for run, stage, start in ((RUN, "active", 2), (GONE, "deleted", 1)):
        place = folder / "12" / run
        for inner in ("params", "tags", "metrics/val", "artifacts/predictions"):
            (place / inner).mkdir(parents=True)
        meta = {"run_id": run, "run_name": "adapted", "status": 3, "lifecycle_stage": stage, "start_time": start}
        (place / "meta.yaml").write_text("".join(f"{key}: {value}\n" for key, value in meta.items()))
        (place / "params" / "n_tau").write_text("100")
        (place / "tags" / "mlflow.user").write_text("someone")
        (place / "metrics" / "loss").write_text("1645 0.5 1\n1646 0.25 2\n")
        (place / "metrics" / "val" / "loss").write_text("1645 0.75 1\n")
    (folder / "12" / "meta.yaml").write_text("name: adversarial\nexperiment_id: '12'\n")
    table = pd.DataFrame({"Djet": [0.5, 0.75], "y": [0.0, 1.0], "weights": [1.0, 2.0]})
    table.to_csv(folder / "12" / RUN / "artifacts" / "predictions" / "adversarial_predictions.csv")
    return folder


def test_runs_are_read(mlruns):
    assert has_runs(mlruns)
    for place in (mlruns, mlruns / "12"):
        run = find_run(place, RUN)
        assert [entry.id for entry in list_runs(place)] == [RUN]
    assert (run.name, run.status, run.experiment_id) == ("adapted", "FINISHED", "12")
    assert (run.params, run.tags) == ({"n_tau": "100"}, {"mlflow.user": "someone"})
    assert run.metrics == {"loss": 0.25, "val/loss": 0.75}
    assert run.metric_history("loss") == [(1, 0.5), (2, 0.25)]
    with pytest.warns(InputWarning, match="not verified"):  # other programs write no checksums
        assert read_predictions(run)["Djet"].tolist() == [0.5, 0.75]


def test_tables_without_contributions_say_so(mlruns):
    with (
        pytest.warns(InputWarning, match="not verified"),
        pytest.raises(InputError, match=r"missing columns \['dataset_id'\]; .*tauadv apply, or add the column"),
    ):
        read_predictions(find_run(mlruns, RUN), ["dataset_id"])


def test_nothing_is_logged_to_them(mlruns):
    before = sorted(mlruns.rglob("*"))
    with pytest.raises(InputError, match=r"migrate it: mlflow migrate-filestore --source \S+ --target sqlite:///"):
        find_run(mlruns, RUN).log_params({"more": 1})
    with pytest.raises(InputError, match="does not log to it"), resume_run(mlruns, RUN):
        pass
    assert sorted(mlruns.rglob("*")) == before


def test_deleted_unknown_and_damaged(mlruns):
    with pytest.raises(InputError, match=rf"run {GONE} \(adapted\) was deleted"):
        find_run(mlruns, GONE)
    with pytest.raises(InputError, match=rf"no run 'abc'(.|\n)*{RUN}  adapted"):
        find_run(mlruns, "abc")
    (mlruns / "12" / RUN / "metrics" / "loss").write_text("1645 much\n")
    with pytest.raises(InputError, match=r"metrics/loss: line 1: expected 'time value step', received '1645 much'"):
        find_run(mlruns, RUN).metric_history("loss")
    (mlruns / "12" / RUN / "meta.yaml").write_bytes(b"\xff\xfe: [")
    with pytest.raises(InputError, match=r"meta\.yaml: the description of a run is damaged"):
        list_runs(mlruns)


def test_damaged_neighbours_hide_no_run(mlruns):
    (mlruns / "12" / GONE / "meta.yaml").write_bytes(b"\xff\xfe: [")
    assert find_run(mlruns, RUN).params == {"n_tau": "100"}
    with pytest.raises(InputError, match=rf"{GONE}/meta\.yaml: the description of a run is damaged"):
        find_run(mlruns, GONE)


@pytest.mark.parametrize("name", ["", ".", "..", "*", f"{RUN[:-1]}?", f"[{RUN[0]}]{RUN[1:]}", f"../12/{RUN}"])
def test_identifiers_are_no_patterns_or_paths(mlruns, name):
    assert FileStore(mlruns).run(name) is None
    with pytest.raises(InputError, match="no run"):
        FileStore(mlruns).params(name)


def test_commands_can_be_pasted():
    words = shlex.split(migration(Path("/data/tau's runs/mlruns")))
    target = "sqlite:////data/tau's runs/mlruns/mlflow.db"
    assert words == ["mlflow", "migrate-filestore", "--source", "/data/tau's runs/mlruns", "--target", target]


@pytest.mark.slow
def test_a_database_beside_them(mlruns):
    with start_run(mlruns, "new", "trained here") as run:
        pass
    assert {entry.id for entry in list_runs(mlruns)} == {RUN, run.id}
    assert find_run(mlruns, RUN).params == {"n_tau": "100"}


def test_the_case(reference_data):
    run = find_run(reference_data / "cases" / "filestore_mlruns" / "mlruns", "e1f3ddb3c4c94128a34a7635c56322eb")
    with pytest.warns(InputWarning, match="not verified"):
        table = read_predictions(run)
    assert list(table.columns) == ["Djet", "y", "weights", "y_pred_adv"]
    assert run.params["adv_learning_rate"]
