from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from cms_graphs import TF2, network_graphs, random_model, small_network, weights_of
from network_batches import random_inputs, randomise

from TauAdv.errors import ConfigError, InputError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.models.cms.graph_files import read_graph
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.models.export.deeptau_formats import DEEPTAU_FORMATS
from TauAdv.models.export.dense_inputs import dense_inputs, dense_shapes
from TauAdv.models.export.source import find_model
from TauAdv.models.jet_flavour.network import build_jet_classifier
from TauAdv.models.jet_flavour.settings import load_jet_network
from TauAdv.taggers.deeptau import DeepTau
from TauAdv.taggers.exporting import ExportSettings, export_model

pytestmark = pytest.mark.slow


def export(model_file, output, form, **more):
    settings = ExportSettings(format=form, features="none", **{"n_taus": 60, **more})
    return export_model(find_model(model_file), output, settings)


@pytest.fixture(scope="module")
def adversarial_file(tmp_path_factory):
    """A model with an adversarial head, strided convolutions and no dropout, in mixed precision."""
    layers = [{"kernel": 3, "stride": 2, "width": 6}, {"kernel": 2, "width": 5}]
    network = small_network(dropout=0.0, grids={"inner": {"n_cells": 5, "layers": layers}, "outer": {"n_cells": 7}})
    model = build_adversarial(network, dtype="mixed_bfloat16")
    randomise(model, 5)
    path = tmp_path_factory.mktemp("adversarial") / "model.keras"
    model.save(path)
    return path, weights_of(model)


@pytest.fixture(scope="module")
def exported(model_file, tmp_path_factory):
    """Return a function from a format to the folder it was written to."""
    made = {}

    def folder(form):
        if form not in made:
            made[form] = tmp_path_factory.mktemp(form) / "out"
            manifest = export(model_file, made[form], form)
            assert read_manifest(made[form]) == manifest
        return made[form]

    return folder


@pytest.mark.parametrize("form", ["cms", "onnx", "savedmodel"])
def test_scores_are_the_models(form, exported):
    comparison = read_manifest(exported(form))["comparison"]
    assert comparison
    for figures in comparison.values():
        assert figures["taus"] == 60
        assert figures["relative_difference"] < 1e-6
        assert figures["largest_difference"] < 2e-6


def test_graphs_read_back_are_the_model(adversarial_file, tmp_path):
    file, expected = adversarial_file
    manifest = export(file, tmp_path / "out", "cms", name="deepTau_mine")
    files = {part: tmp_path / "out" / f"deepTau_mine_{part}.pb" for part in ("inner", "outer", "core")}
    imported = weights_of(import_cms_model(**files, n_taus=10).model)
    assert imported.keys() == {name for name in expected if not name.startswith(("final_adv_", "final_dense_adv"))}
    for layer, values in imported.items():
        for name, value in values.items():
            np.testing.assert_array_equal(value, expected[layer][name], err_msg=f"{layer} {name}")
    (note,) = manifest["notes"]
    assert "end in inner_all_dropout_2/Identity; CMS software that asks for inner_all_dropout_4/Identity" in note


def test_constants_and_inputs_are_named_as_in_frozen_graphs(model, exported, tmp_path):
    for part, graph in network_graphs(model, TF2).items():
        written = read_graph(exported("cms") / f"small_{part}.pb")
        expected = read_graph(write(graph, tmp_path / f"expected_{part}.pb"))
        assert written.placeholders == expected.placeholders
        assert {name: value.shape for name, value in written.weights.items()} == {
            name: value.shape for name, value in expected.weights.items()
        }


def write(graph, path):
    path.write_bytes(graph.SerializeToString())
    return path


def test_networks_with_four_merge_layers_need_no_note():
    assert DEEPTAU_FORMATS["cms"].notes(load_network("deeptau_v2p5")) == []


def test_onnx_takes_the_seven_dense_tensors(model, exported):
    session = onnxruntime.InferenceSession(exported("onnx") / "small.onnx", providers=["CPUExecutionProvider"])
    shapes = {entry.name: tuple(entry.shape[1:]) for entry in session.get_inputs()}
    assert shapes == dense_shapes(model.network)
    assert list(shapes) == [
        "input_tau",
        *(f"input_{g}_{c}" for g in ("inner", "outer") for c in ("egamma", "muon", "hadrons")),
    ]
    assert [entry.name for entry in session.get_outputs()] == ["main_output"]
    for filled in ({"inner": 0, "outer": 0}, {"inner": 100, "outer": 100}):  # no cell, every cell
        inputs = random_inputs(model.network, 7, filled=filled)
        (scores,) = session.run(None, dense_inputs(inputs, model.network))
        np.testing.assert_allclose(scores, model(inputs), rtol=0, atol=2e-6)
    assert session.run(None, dense_inputs(random_inputs(model.network, 0), model.network))[0].shape == (0, 4)


def test_saved_model_has_dense_and_sparse_signatures(model, exported):
    signatures = tf.saved_model.load(str(exported("savedmodel") / "small")).signatures
    inputs = random_inputs(model.network, 9)
    for name, tensors in {"serving_default": dense_inputs(inputs, model.network), "sparse": inputs}.items():
        (scores,) = signatures[name](**{key: tf.constant(value) for key, value in tensors.items()}).values()
        np.testing.assert_allclose(scores, model(inputs), rtol=0, atol=1e-6)


def test_network_without_both_grids_is_no_cms_network(tmp_path):
    network = small_network(grids={"inner": {"n_cells": 5}})
    random_model(network).save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="the CMS format needs inner and outer"):
        export(tmp_path / "model.keras", tmp_path / "out", "cms")
    random_model(small_network(components={"all_objects": {"n_features": 9, "widths": [4]}})).save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="one component; the CMS format joins two or more"):
        export(tmp_path / "model.keras", tmp_path / "out", "cms")


def test_export_that_gives_other_scores_is_refused(model_file, tmp_path, monkeypatch):
    def spoil(exported, folder):
        weights = {layer: dict(values) for layer, values in exported.weights.items()}
        weights["final_dense_last"]["bias"] = weights["final_dense_last"]["bias"] + np.float32([1e-4, 0, 0, 0])
        DEEPTAU_FORMATS["cms"].write(replace(exported, weights=weights), folder)

    monkeypatch.setattr(DeepTau, "export_formats", lambda spec: {"cms": replace(DEEPTAU_FORMATS["cms"], write=spoil)})
    with pytest.raises(InputError, match=r"as cms does not give the model's .*in double precision .*nothing was written"):
        export(model_file, tmp_path / "out", "cms")
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_the_tagger_does_not_have_is_refused(model_file, tmp_path):
    with pytest.raises(ConfigError, match=r"'onx'.*'onnx'.*tagger 'deeptau'; expected one of cms, onnx, savedm"):
        export(model_file, tmp_path / "out", "onx")
    build_jet_classifier(load_jet_network("jet_flavour")).save(tmp_path / "jets.keras")
    with pytest.raises(ConfigError, match=r"format 'cms': not a format of the tagger 'jet_flavour'; expected one of onnx"):
        export(tmp_path / "jets.keras", tmp_path / "out", "cms")
    with pytest.raises(ConfigError, match=r"--with-preprocessing: format 'cms' of .* cannot hold it; .*: onnx, savedmodel"):
        export(model_file, tmp_path / "out", "cms", with_preprocessing=True)
    assert not (tmp_path / "out").exists()


def execute(form, file, tensors):
    """Return the scores of a file by its own library."""
    if form == "onnx":
        return onnxruntime.InferenceSession(f"{file}.onnx", providers=["CPUExecutionProvider"]).run(None, tensors)[0]
    loaded = tf.saved_model.load(str(file))
    (scores,) = loaded.signatures["serving_default"](**{name: tf.constant(x) for name, x in tensors.items()}).values()
    return scores.numpy()


@pytest.mark.parametrize("form", ["savedmodel", "onnx"])
def test_preprocessing_inside(form, tmp_path):
    """Physical values of a tuple, feature by feature, give the scores of the shards; cells without objects are NaN."""
    from evaluation_inputs import tiny_network, write_run

    import TauAdv as ta
    from TauAdv.models.cms.parts import TAU_INPUT
    from TauAdv.models.deeptau.network import build_classifier

    run = write_run(tmp_path / "mlruns", build_classifier(tiny_network(), seed=3), "one")
    tagger = ta.tagger(run)
    settings = ExportSettings(format=form, with_preprocessing=True, name="whole", n_taus=20)
    manifest = export_model(find_model(mlpath=run.mlpath, run_id=run.id), tmp_path / "out", settings)
    (found,) = manifest["comparison"].values()
    assert found["relative_difference"] < 1e-6
    values = {name: np.full((2, *shape), np.nan, np.float32) for name, shape in dense_shapes(tiny_network()).items()}
    pt = tagger.table.features("tau")[0]
    values[TAU_INPUT][:, 0] = 50.0
    values["input_inner_muon"][1, 5, 5, 0] = 1.0
    scores = execute(form, tmp_path / "out" / "whole", values)
    defaults = {part: np.array([f.default for f in tagger.table.features(part)], np.float32) for part in ("tau", "cell")}
    scaling, muon = pt.scaling["inner"], tagger.table.features("muon")[0].scaling["inner"]
    flat = np.tile(defaults["tau"], (2, 1))
    flat[:, 0] = np.clip((50.0 - scaling.mean) / scaling.std, scaling.low, scaling.high)
    cell = defaults["cell"].copy()
    cell[tagger.table.layout.tensors["muon"][0]] = np.clip((1.0 - muon.mean) / muon.std, muon.low, muon.high)
    nothing = {"outer_index": np.zeros((0, 3)), "outer_cells": np.zeros((0, len(cell)))}
    inputs = {"tau": flat, "inner_index": np.array([[1, 5, 5]]), "inner_cells": cell[None], **nothing}
    assert scores == pytest.approx(tagger.predict(inputs)[["p_e", "p_mu", "p_tau", "p_jet"]].to_numpy(), abs=2e-6)
