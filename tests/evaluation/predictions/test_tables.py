import json
import os
import subprocess
import sys
import zipfile
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from evaluation_inputs import write_set

from TauAdv.errors import InputError, InputWarning, OutputExistsError, OutputLockedError, WriteError
from TauAdv.evaluation.predictions.files import read_table_file, write_table_file
from TauAdv.evaluation.predictions.inference import FIRST_COLUMNS, IDENTITY_COLUMNS, PROBABILITY_COLUMNS
from TauAdv.evaluation.predictions.tables import PREDICTION_FILES, apply_run, read_predictions
from TauAdv.io.locks import output_lock
from TauAdv.io.records import read_record, write_record
from TauAdv.runs import find_run, start_run
from TauAdv.shards.store import ShardSet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

SCRIPT = "Evaluation/apply_adversarial_training.py"


@pytest.fixture
def fresh(runs):
    """A run of its own with the adversarial model, without predictions."""
    with start_run(runs.mlruns, "fresh", "fresh") as run:
        os.symlink(runs.adversarial.artifacts / "model", run.artifacts / "model")
        os.symlink(runs.adversarial.artifacts / "input_cfg", run.artifacts / "input_cfg")
    return run


def test_script_writes_the_table_from_any_folder(fresh, sets, run_script, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run_script(SCRIPT, "--expID", fresh.id, "--mlpath", fresh.mlpath, "--eval_ds", sets.control, "--n_tau", 250)
    folder = fresh.artifacts / "predictions"
    assert sorted(path.name for path in folder.iterdir()) == [
        "adversarial_evaluation.csv",
        "adversarial_evaluation.csv.manifest.json",
    ]
    header = (folder / "adversarial_evaluation.csv").read_text().splitlines()[0]
    assert header.split(",") == ["", *FIRST_COLUMNS, *IDENTITY_COLUMNS, *PROBABILITY_COLUMNS, "tau_dz"]
    table, stored = read_predictions(fresh), ShardSet.open(sets.control).columns()
    assert table.index.tolist() == list(range(620))
    assert table["evt"].dtype == np.uint64
    for name in ("run", "lumi", "evt", "dataset_id", "tau_decayMode"):
        assert table[name].tolist() == stored[name].tolist()
    manifest = json.loads((folder / "adversarial_evaluation.csv.manifest.json").read_text())
    assert manifest["counts"] == {"taus": 620, "in set": 620}
    assert list(elsewhere.iterdir()) == []


def test_limit_and_no_rows_that_are_not_taus(fresh, sets):
    apply_run(fresh.mlpath, fresh.id, sets.control, batch_size=100, max_batches=3)
    table = read_predictions(fresh)
    assert len(table) == 300
    apply_run(fresh.mlpath, fresh.id, sets.control, batch_size=100, max_batches=750, overwrite=True)
    table = read_predictions(fresh)
    assert len(table) == 620
    assert (table["weights"] > 0).all()
    assert table["evt"].is_unique


def test_not_adversarial_leaves_the_column_out(fresh, runs, sets):
    path = apply_run(fresh.mlpath, fresh.id, sets.control, not_adversarial=True)
    assert path.name == "adversarial_evaluation.csv"
    assert list(pd.read_csv(path, index_col=0))[:4] == ["Djet", "y", "weights", "run"]


def test_classifier_needs_the_option(runs, sets):
    with pytest.raises(InputError, match="--not_adversarial"):
        apply_run(runs.nominal.mlpath, runs.nominal.id, sets.control)
    path = apply_run(runs.nominal.mlpath, runs.nominal.id, sets.control, not_adversarial=True)
    assert path == runs.nominal.artifacts / "predictions" / "adversarial_evaluation.csv"


def test_made_again_only_if_asked(fresh, sets):
    path = apply_run(fresh.mlpath, fresh.id, sets.control)
    first = path.stat().st_mtime_ns
    apply_run(fresh.mlpath, fresh.id, sets.control)
    assert path.stat().st_mtime_ns == first
    with pytest.raises(OutputExistsError, match="--overwrite"):
        apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1)
    apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1, batch_size=10, overwrite=True)
    assert len(read_predictions(fresh)) == 10


def test_what_is_in_the_way_can_only_be_moved(fresh, sets):
    """The table lies in the run: there is no option for another place."""
    folder = fresh.artifacts / "predictions"
    folder.write_text("mine")
    with pytest.raises(WriteError, match=r"predictions is a file, expected a folder; move it away$"):
        apply_run(fresh.mlpath, fresh.id, sets.control, overwrite=True)
    folder.unlink()
    folder.mkdir()
    for place in (folder / PREDICTION_FILES[0], folder / PREDICTION_FILES[0] / "inner.csv"):  # a file, then a folder
        place.parent.mkdir(exist_ok=True)
        place.write_text("mine")
        with pytest.raises(OutputExistsError, match=r"evaluation\.csv: .*[:;] move it away$"):
            apply_run(fresh.mlpath, fresh.id, sets.control, overwrite=True)
        place.unlink()


def test_a_killed_run_leaves_nothing(fresh, sets, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", killed)
    with pytest.raises(KeyboardInterrupt):
        apply_run(fresh.mlpath, fresh.id, sets.control)
    assert not (fresh.artifacts / "predictions").exists()
    with pytest.raises(InputError, match="no predictions"):
        read_predictions(fresh)


@pytest.mark.parametrize("name", PREDICTION_FILES)
def test_both_names_are_read(fresh, name):
    folder = fresh.artifacts / "predictions"
    folder.mkdir()
    # as the original writes it: index, Djet, y, weights, y_pred_adv
    (folder / name).write_text(",Djet,y,weights,y_pred_adv\n0,0.9,1.0,1.0,0.5\n1,0.8,0.0,0.7,0.4\n")
    with pytest.warns(InputWarning, match=rf"{name}: not verified: it has no checksum, another program"):
        assert read_predictions(fresh)["Djet"].tolist() == [0.9, 0.8]


@pytest.mark.filterwarnings("ignore:.*not verified")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not a prediction table"),
        (b",a,b\n0,1,2\n", "Djet"),
        (b",Djet,y,weights\n0,0.9,1,1\n1,0.z,1,1\n", r"column Djet: expected numbers, found '0\.z' in row 1"),
        (b",Djet,y,weights\n0,0.9,1,inf\n", "column weights: expected numbers, found 'inf' in row 0"),
        (b",Djet,y,weights\n0,0.9,,1\n", "column y: expected numbers, found 'nan' in row 0"),
        (b",Djet,y,weights,evt\n0,0.9,1,1,x\n", "not a prediction table"),
        (b",Djet,y,weights\n0,0.9\xff,1,1\n", "not a prediction table"),
        (b'",Djet,y,weights\n0,0.9,1,1\n', "not a prediction table|missing columns"),
        (b",Djet,y,weights\n", "no rows"),
        (
            b",Djet,y,weights\n0,2.5,1,1\n1,0.5,0,1\n",
            "1 of 2 values of 'Djet' are no probabilities between 0 and 1, in",
        ),
        (b",Djet,y,weights\n0,0.5,1,1\n1,-1,0,1\n", "1 of 2 values of 'Djet' are no probabilities"),
        (b",Djet,y,weights,y_pred_adv\n0,0.5,1,1,1.5\n", "'y_pred_adv' are no probabilities"),
        (b",Djet,y,weights\n0,0.5,0.5,1\n", r"column y: expected numbers of classes, .* found 0\.5 in rows 0"),
        (b",Djet,y,weights\n0,0.5,-1,1\n", "column y: expected numbers of classes"),
        (b",Djet,Djet,y,weights\n0,0.5,0.6,1,1\n", "column Djet is there twice"),
        (b",Djet,y,weights\n0,0.5,1,1\n0,0.5,1,1\n", "1 rows are there twice, such as row 0"),
    ],
)
def test_files_that_are_no_tables(fresh, text, message):
    folder = fresh.artifacts / "predictions"
    folder.mkdir()
    (folder / PREDICTION_FILES[0]).write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_predictions(fresh)


@pytest.fixture
def table_of_ours(fresh):
    """A table as this version writes it, without a network."""
    path = fresh.artifacts / "predictions" / PREDICTION_FILES[0]
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"Djet": rng.random(50), "y": rng.integers(0, 2, 50), "weights": rng.random(50)})
    write_table_file(path, table.to_csv, {"step": "apply_adversarial_training", "settings": {"run": fresh.id}})
    return path


def test_every_flipped_bit_is_noticed_or_changes_nothing(fresh, table_of_ours):
    expected, rng, noticed = read_predictions(fresh), np.random.default_rng(5), 0
    for path in (table_of_ours, table_of_ours.with_name(f"{table_of_ours.name}.manifest.json")):
        content = path.read_bytes()
        for position in rng.integers(len(content), size=150):
            changed = bytearray(content)
            changed[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                pd.testing.assert_frame_equal(read_predictions(fresh), expected)
            except InputError:
                noticed += 1
        path.write_bytes(content)
    assert noticed > 0
    pd.testing.assert_frame_equal(read_predictions(fresh), expected)


def test_damaged_tables_are_named(fresh, table_of_ours):
    content = table_of_ours.read_bytes()
    for damaged, message in ((content[:-10], "is cut short"), (content.replace(b"1\n", b"2\n"), "is damaged")):
        table_of_ours.write_bytes(damaged)
        with pytest.raises(InputError, match=rf"{table_of_ours.name}: {message}.*move it away.*tauadv apply"):
            read_predictions(fresh)


def test_the_table_of_another_run_is_named(fresh, table_of_ours):
    path = table_of_ours.with_name(f"{table_of_ours.name}.manifest.json")
    write_record(path, {**read_record(path), "settings": {"run": "0123"}})
    with pytest.raises(InputError, match=f"is the table of run 0123, expected that of run {fresh.id}"):
        read_predictions(fresh)


def test_a_damaged_table_is_not_kept(fresh, sets):
    path = apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0", b"1"))
    with pytest.raises(OutputExistsError, match=r"its content is not what TauAdv wrote.*move it away"):
        apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1)
    path.unlink()
    apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1)
    assert path.read_bytes() == content


def test_only_one_process_writes_a_table(fresh, sets):
    path = fresh.artifacts / "predictions" / PREDICTION_FILES[0]
    with output_lock(path), pytest.raises(OutputLockedError, match=r"adversarial_evaluation\.csv: is being written by"):
        apply_run(fresh.mlpath, fresh.id, sets.control)


def test_tables_of_earlier_versions_are_read_unverified(fresh, table_of_ours):
    path = table_of_ours.with_name(f"{table_of_ours.name}.manifest.json")
    manifest = json.loads(path.read_text())
    del manifest["files"], manifest["checksum"]
    path.write_text(json.dumps(manifest))
    with pytest.warns(InputWarning, match="not verified"):
        assert len(read_predictions(fresh)) == 50


def test_tables_of_taumltools(reference_data):
    folder = reference_data / "cases" / "filestore_mlruns" / "mlruns" / "12"
    (run,) = (path for path in folder.iterdir() if path.is_dir())
    path = run / "artifacts" / "predictions" / "adversarial_predictions.csv"
    with pytest.warns(InputWarning, match="not verified: it has no checksum, another program"):
        content = read_table_file(path, "", foreign=True)
    assert content.read() == path.read_bytes()


def test_unknown_run(fresh, sets, run_script, capsys):
    with pytest.raises(SystemExit):
        run_script(SCRIPT, "--expID", "0123", "--mlpath", fresh.mlpath, "--eval_ds", sets.control)
    message = capsys.readouterr().err
    assert "0123" in message
    assert fresh.id in message


APPLIED = """
import sys
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.tables import apply_run
for run_id in sys.argv[3:]:
    try:
        apply_run(sys.argv[1], run_id, sys.argv[2])
    except InputError as error:
        print(error, "tensorflow" in sys.modules)
"""


def test_another_kind_of_run_is_named_before_tensorflow_is_loaded(tmp_path):
    kinds = {
        "TauTagger": (
            [["main_output", 0, 0]],
            "its model has no adversarial head, its training had no adversary; give --not_adversarial",
        ),
        "JetTagger": ({"main_output": 0, "adv_output": 0}, "is a training of jets, expected one of taus"),
    }
    made = []
    for kind, (outputs, _) in kinds.items():
        with start_run(tmp_path / "mlruns", "fresh", kind) as run, run.new_file("model/model.keras") as path:
            described = {"registered_name": f"TauAdv>{kind}", "config": {"output_layers": outputs}}
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("config.json", json.dumps(described))
                archive.writestr("model.weights.h5", b"")
        made.append(run.id)
    command = [sys.executable, "-c", APPLIED, run.mlpath, tmp_path / "no_shards", *made]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    for line, run_id, (kind, (_, message)) in zip(said, made, kinds.items(), strict=True):
        assert f"run {run_id} ({kind})" in line
        assert message in line
        assert line.endswith(" False")


def test_run_without_model(runs, sets):
    with suppress(KeyError), start_run(runs.mlruns, "fresh", "no model") as run:
        raise KeyError
    with pytest.raises(InputError, match=r"has no model/model\.keras: its training did not finish"):
        apply_run(run.mlpath, run.id, sets.control)
    with start_run(runs.mlruns, "fresh", "model removed") as run:
        pass
    with pytest.raises(InputError, match=r"has no model/model\.keras: put a copy of it back"):
        apply_run(run.mlpath, run.id, sets.control)


def test_run_without_feature_table(runs, sets):
    with start_run(runs.mlruns, "fresh", "bare") as run:
        os.symlink(runs.adversarial.artifacts / "model", run.artifacts / "model")
    with pytest.raises(InputError, match="no feature table"):
        apply_run(run.mlpath, run.id, sets.control)


def test_shards_of_another_feature_table(fresh, tmp_path):
    other = write_set(tmp_path / "other", "adversarial", 30, manifest_digest="0" * 64)
    with pytest.raises(InputError, match="differing: order, grids"):
        apply_run(fresh.mlpath, fresh.id, other)
    assert not (fresh.artifacts / "predictions").exists()


def test_feature_table_is_checked_before_what_is_there(fresh, sets, tmp_path):
    apply_run(fresh.mlpath, fresh.id, sets.control, max_batches=1)
    other = write_set(tmp_path / "other", "adversarial", 30, manifest_digest="0" * 64)
    with pytest.raises(InputError, match="differing: order, grids"):
        apply_run(fresh.mlpath, fresh.id, other, max_batches=1)


def test_no_shards(fresh, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        apply_run(fresh.mlpath, fresh.id, tmp_path / "nowhere")


def test_runs_of_all_experiments_are_found_from_mlruns(runs):
    assert find_run(runs.mlruns, runs.adversarial.id).artifacts == runs.adversarial.artifacts
    with pytest.raises(InputError, match="belongs to"):
        find_run(runs.nominal.mlpath, runs.adversarial.id)
