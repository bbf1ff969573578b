"""The script: models of runs and of files, their feature table, and what is refused."""

import json
import math
import shutil

import keras
import numpy as np
import pytest
from cms_graphs import V2P5_INPUTS, random_model, small_network

from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.models.loading import load_model
from TauAdv.runs import start_run

pytestmark = pytest.mark.slow

SCRIPT = "Evaluation/export_model.py"
QUICK = ("--n_taus", 10)


@pytest.fixture(scope="module")
def table():
    return FeatureTable.load("deeptau_v2p5")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, table):
    """A run with a model and its feature table, and one without a model."""
    mlruns = tmp_path_factory.mktemp("export") / "mlruns"
    with start_run(mlruns, "export", "whole") as whole:
        (whole.artifacts / "model").mkdir()
        random_model(small_network(**V2P5_INPUTS)).save(whole.artifacts / "model" / "model.keras")
        whole.log_text(table.dump(), "input_cfg/features.yaml")
    with start_run(mlruns, "export", "without model") as empty:
        pass
    return whole, empty


def refused(run_script, capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        run_script(SCRIPT, *arguments, *QUICK)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_run_with_its_feature_table(runs, table, run_script, tmp_path, capsys):
    run, _ = runs
    arguments = ("--format", "cms", "--expID", run.id, "--mlpath", run.mlpath, "--output", tmp_path / "out")
    run_script(SCRIPT, *arguments, *QUICK)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *(f"small_{part}.pb" for part in ("inner", "outer", "core")),
        *("features.json", "manifest.json"),
    }
    described = json.loads((tmp_path / "out" / "features.json").read_text())
    assert described["digest"] == table.digest
    shapes = {name.removeprefix("input_"): len(rows) for name, rows in described["inputs"].items()}
    assert shapes == {name: shape[-1] for name, shape in table.layout.shapes().items()}
    for name, rows in described["inputs"].items():
        grid, _, tensor = name.removeprefix("input_").partition("_")
        features = table.features(tensor or grid)
        scaling = [feature.scaling[grid if tensor else "inner"] for feature in features]
        assert [row["feature"] for row in rows] == [feature.path for feature in features]
        assert [(row["mean"], row["std"]) for row in rows] == [(entry.mean, entry.std) for entry in scaling]
        assert [row["high"] for row in rows] == [entry.high if math.isfinite(entry.high) else None for entry in scaling]
    assert read_manifest(tmp_path / "out")["comparison"]["graphs"]["relative_difference"] < 1e-6

    capsys.readouterr()
    run_script(SCRIPT, *arguments, *QUICK)
    assert "made before" in capsys.readouterr().out
    assert "made with other settings" in refused(run_script, capsys, *arguments, "--seed", 2)


def test_run_without_model(runs, run_script, tmp_path, capsys):
    _, run = runs
    error = refused(
        run_script, capsys, "--format", "cms", "--expID", run.id, "--mlpath", run.mlpath, "--output", tmp_path / "out"
    )
    assert "(without model, FINISHED) has no model/model.keras" in error
    error = refused(
        run_script, capsys, "--format", "cms", "--expID", "abc", "--mlpath", run.mlpath, "--output", tmp_path / "out"
    )
    assert "no run 'abc'; known runs" in error


def test_run_and_file_exclude_each_other(runs, model_file, run_script, tmp_path, capsys):
    run, _ = runs
    for arguments in ((), ("--model", model_file, "--expID", run.id, "--mlpath", run.mlpath), ("--expID", run.id)):
        assert "give the model to export" in refused(
            run_script, capsys, "--format", "onnx", "--output", tmp_path / "out", *arguments
        )


def test_feature_table_must_be_known_and_fit(runs, model_file, run_script, tmp_path, capsys):
    arguments = ("--format", "cms", "--output", tmp_path / "out", "--model")
    assert "give --features TABLE" in refused(run_script, capsys, *arguments, model_file)
    assert "is not that of the network 'small'" in refused(
        run_script, capsys, *arguments, model_file, "--features", "deeptau_v2p5"
    )
    recorded = runs[0].artifacts / "model" / "model.keras"
    assert "its run recorded the feature table 'deeptau_v2p5'" in refused(
        run_script, capsys, *arguments, recorded, "--features", "none"
    )
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_finite(model_file, run_script, tmp_path, capsys):
    model = load_model(shutil.copy(model_file, tmp_path / "model.keras"))
    layer = model.get_layer("tau_norm_2")
    layer.beta.assign(np.where(np.arange(6) < 2, np.nan, 0))
    model.save(tmp_path / "model.keras")
    error = refused(
        run_script,
        capsys,
        *("--format", "onnx", "--features", "none", "--output", tmp_path / "out", "--model", tmp_path / "model.keras"),
    )
    assert "model.keras: weights that are not finite in tau_norm_2 (beta: 2 of 6)" in error


def test_code_in_a_model_file_is_not_run(run_script, tmp_path, capsys):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs)).save(tmp_path / "lambda.keras")
    error = refused(
        run_script,
        capsys,
        *("--format", "cms", "--features", "none", "--output", tmp_path / "out", "--model", tmp_path / "lambda.keras"),
    )
    assert "lambda.keras: holds code of its own, which is never run" in error
