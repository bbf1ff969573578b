"""Predictions of the transformer, and its exported forms."""

import json

import numpy as np
import onnxruntime
import pytest
from network_batches import random_inputs
from transformer_networks import reference_scores, small_transformer

from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.models.export.dense_inputs import dense_inputs, dense_shapes
from TauAdv.models.export.source import find_model
from TauAdv.models.tau_transformer.inference import chunked_inference
from TauAdv.taggers.exporting import ExportSettings, export_model
from TauAdv.taggers.registry import tagger_of_model

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("chunk", [5, 512])
def test_chunks_do_not_matter(chunk):
    model = small_transformer(adversarial=True, layers=1, groups=2)
    compute = chunked_inference(model, with_features=True, chunk=chunk)
    for n_taus in (0, 1, 13):
        inputs = random_inputs(model.network, n_taus, seed=n_taus)
        found = compute({**inputs, "weight": np.ones(n_taus)})
        shapes = {"main_output": (n_taus, 4), "adv_output": (n_taus, 1), "features": (n_taus, 5 + 8)}
        assert {name: values.shape for name, values in found.items()} == shapes
        if n_taus:
            for name, expected in model(inputs, training=False).items():
                np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-6)


def test_the_adversarial_head_can_be_left_out():
    model = small_transformer(adversarial=True, layers=0, groups=1)
    compute = tagger_of_model(model).inference(model, with_adversarial_head=False)
    assert compute(random_inputs(model.network, 3)).keys() == {"main_output"}


@pytest.mark.slow
def test_exported_models_give_the_scores(tmp_path):
    model = small_transformer(adversarial=True, groups=2)
    model.save(tmp_path / "model.keras")
    for form in ("onnx", "savedmodel"):
        settings = ExportSettings(format=form, features="none", n_taus=50)
        export_model(find_model(tmp_path / "model.keras"), tmp_path / form, settings)
        for figures in read_manifest(tmp_path / form)["comparison"].values():
            assert figures["largest_difference"] < 2e-6
    session = onnxruntime.InferenceSession(tmp_path / "onnx/small.onnx", providers=["CPUExecutionProvider"])
    assert {entry.name: tuple(entry.shape[1:]) for entry in session.get_inputs()} == dense_shapes(model.network)
    for n_taus, filled in ((6, None), (3, {"inner": 0, "outer": 0}), (4, {"inner": 100, "outer": 100}), (0, None)):
        inputs = random_inputs(model.network, n_taus, seed=3, filled=filled)
        (scores,) = session.run(None, dense_inputs(inputs, model.network))
        expected = reference_scores(model, inputs) if n_taus else np.zeros((0, 4))
        np.testing.assert_allclose(scores, expected, rtol=0, atol=2e-6)
    assert json.loads((tmp_path / "onnx/manifest.json").read_text())["both_in_double_precision"]["onnx"]["taus"] == 10


def test_onnx_of_physical_values_gives_the_scores(tmp_path):
    """Compared where it is written, with predictions on rows scaled as in shards; here, that the values are not scaled."""
    components = {"egamma": {"n_features": 86}, "muon": {"n_features": 64}, "hadrons": {"n_features": 38}}
    grids = {"inner": {"n_cells": 11}, "outer": {"n_cells": 21}}
    model = small_transformer(tau={"n_features": 43, "widths": [5]}, components=components, grids=grids, layers=1)
    model.save(tmp_path / "model.keras")
    settings = ExportSettings(format="onnx", features="deeptau_v2p5", n_taus=20, with_preprocessing=True)
    manifest = export_model(find_model(tmp_path / "model.keras"), tmp_path / "out", settings)
    assert manifest["comparison"]["onnxruntime"]["largest_difference"] < 2e-6
    session = onnxruntime.InferenceSession(tmp_path / "out/small.onnx", providers=["CPUExecutionProvider"])
    nothing = {name: np.full((1, *shape), np.nan, "f4") for name, shape in dense_shapes(model.network).items()}
    (scores,) = session.run(None, nothing)
    table = FeatureTable.load("deeptau_v2p5")
    defaults = np.array([[feature.default for feature in table.features("tau")]], "f4")
    inputs = random_inputs(model.network, 1, filled={"inner": 0, "outer": 0})
    np.testing.assert_allclose(scores, reference_scores(model, {**inputs, "tau": defaults}), rtol=0, atol=2e-6)
