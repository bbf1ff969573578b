"""Exported jet-flavour networks give the scores of the predictions, of scaled inputs and of physical values."""

import json

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from network_batches import randomise

import TauAdv as ta
from TauAdv.errors import ConfigError, InputError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import JetTable
from TauAdv.models.export.source import find_model
from TauAdv.models.jet_flavour.inputs import random_values
from TauAdv.models.jet_flavour.network import build_jet_adversarial
from TauAdv.models.jet_flavour.settings import JetNetworkSettings
from TauAdv.runs import start_run
from TauAdv.taggers.exporting import ExportSettings, export_model

pytestmark = pytest.mark.slow


def features(*, to_zero=False):
    """Features of one track."""
    table, rng = JetTable.load(), np.random.default_rng(3)
    size = len(table.inputs(1))
    default = -rng.uniform(1, 4, size)
    scalers = {"mean": rng.normal(size=size), "std": rng.uniform(0.5, 2, size), "frozen": np.zeros(size, bool)}
    return JetFeatures(table, 1, default, defaults_to_zero=to_zero, **scalers)


def make_run(folder, table):
    network = {"name": "small", "n_features": len(table), "hidden": (16, 12, 8), "common_layers": 2, "dropout": 0.1}
    model = build_jet_adversarial(JetNetworkSettings.model_validate(network), seed=1)
    randomise(model, 4)
    with start_run(folder / "mlruns", "jets", "small") as run:
        (run.artifacts / "model").mkdir()
        model.save(run.artifacts / "model" / "model.keras")
        run.log_text(table.dump(), "input_cfg/features.yaml")
    return run


@pytest.fixture(scope="module", params=[False, True], ids=["defaults", "defaults to zero"])
def run(request, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), features(to_zero=request.param))


def export(run, output, form, **settings):
    source = find_model(mlpath=run.mlpath, run_id=run.id)
    return export_model(source, output, ExportSettings(format=form, n_taus=40, **settings))


def scores_of(folder, form, name, values):
    if form == "onnx":
        session = onnxruntime.InferenceSession(folder / "small.onnx", providers=["CPUExecutionProvider"])
        assert [(entry.name, entry.shape) for entry in session.get_inputs()] == [(name, ["n_jets", values.shape[1]])]
        return session.run(None, {name: values})[0]
    loaded = tf.saved_model.load(str(folder / "small"))
    return loaded.signatures["serving_default"](**{name: tf.constant(values)})["main_output"].numpy()


@pytest.mark.parametrize("form", ["onnx", "savedmodel"])
def test_scores_are_those_of_the_predictions(run, form, tmp_path):
    tagger = ta.tagger(run)
    values = random_values(tagger.table, 70, seed=8)
    expected = tagger.predict(values, adversarial_head=False).to_numpy()
    assert expected.std(axis=0).min() > 1e-3
    scaled = ta.features(values, tagger.table).inputs()["x"]
    manifest = export(run, tmp_path / "scaled", form)
    assert read_manifest(tmp_path / "scaled") == manifest
    assert scores_of(tmp_path / "scaled", form, "x", scaled) == pytest.approx(expected, abs=2e-6)
    export(run, tmp_path / "physical", form, with_preprocessing=True)
    assert scores_of(tmp_path / "physical", form, "values", values) == pytest.approx(expected, abs=2e-6)


def test_what_the_inputs_are_is_written_beside(run, tmp_path):
    export(run, tmp_path / "out", "onnx")
    content = json.loads((tmp_path / "out" / "features.json").read_text())
    table = ta.tagger(run).table
    assert content["classes"] == ["b", "c", "udsg"]
    assert [row["feature"] for row in content["inputs"]["x"]] == table.names
    assert [row["std"] for row in content["inputs"]["x"]] == table.std.tolist()


def test_what_is_refused(run, tmp_path):
    with pytest.raises(ConfigError, match=r"format 'cms': not a format of the tagger 'jet_flavour'; expected one of onnx"):
        export(run, tmp_path / "out", "cms")
    file = tmp_path / "own.keras"
    file.write_bytes((run.artifacts / "model" / "model.keras").read_bytes())
    settings = ExportSettings(format="onnx", features="none", with_preprocessing=True)
    with pytest.raises(InputError, match="--with-preprocessing needs the feature table"):
        export_model(find_model(file), tmp_path / "out", settings)
    with pytest.raises(InputError, match="'deeptau_v2p5' is of taus, the model reads jets"):
        export_model(find_model(file), tmp_path / "out", ExportSettings(format="onnx", features="deeptau_v2p5"))
    assert not (tmp_path / "out").exists()


def test_a_graph_with_another_scaling_is_refused(tmp_path, monkeypatch):
    run = make_run(tmp_path, features())
    monkeypatch.setattr("TauAdv.models.export.jet_formats._floor", lambda table: np.full(len(table), -1, np.float32))
    with pytest.raises(InputError, match="does not give the model's scores"):
        export(run, tmp_path / "out", "savedmodel", with_preprocessing=True)
    assert not (tmp_path / "out").exists()
