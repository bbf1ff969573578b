from pathlib import Path

import numpy as np
import pytest
from cms_graphs import (
    TF1,
    TF2,
    network_graphs,
    random_model,
    small_network,
    told_by_graphs,
    weights_of,
    write_graphs,
    write_network,
)
from network_batches import random_inputs

from TauAdv.errors import InputError, TauAdvError
from TauAdv.models.cms import importing
from TauAdv.models.cms.dialects import TF1_FOLDED, graph_constants, keras_weights, layer_constants
from TauAdv.models.cms.graph_files import FrozenGraph
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.export.source import ModelSource
from TauAdv.taggers.exporting import ExportSettings, export_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

STRIDED = {
    "inner": {"n_cells": 5, "layers": [{"kernel": 3, "stride": 2, "width": 6}, {"kernel": 2, "width": 5}]},
    "outer": {"n_cells": 7, "layers": [{"kernel": 5, "stride": 2, "width": 6}, {"kernel": 2, "width": 5}]},
}
# other numbers of inputs, widths and layers, other components, convolutions, epsilon and order of the grids
VARIANTS = {
    "wide": {
        "tau": {"n_features": 47, "widths": [12, 11, 10, 9]},
        "merge": {"widths": [12, 9, 7, 6, 5]},
        "class_head": {"widths": [6]},
        "normalisation": {"epsilon": 0.01},
    },
    "other": {
        "components": {"tracks": {"n_features": 3, "widths": [4]}, "calo_cells": {"n_features": 2, "widths": [4, 3]}},
        "grids": dict(reversed(STRIDED.items())),
        "n_classes": 3,
    },
}


def changed(node, **inputs):
    node.input[:] = [inputs.get(name, name) for name in node.input]


def edited(model, change, part, dialect=TF2):
    graphs = network_graphs(model, dialect)
    change({node.name: node for node in graphs[part].node})
    return graphs


@pytest.fixture(scope="module")
def imported(graph_files):
    return import_cms_model(**graph_files, n_taus=100, dropout=0.3, name="mine")


def test_network_and_scores_are_those_of_the_graphs(imported, model, dialect):
    assert imported.dialect == dialect
    assert told_by_graphs(imported.model.network) == told_by_graphs(model.network)
    assert imported.comparison.largest_difference < 2e-6
    assert imported.double_precision.relative_difference < 1e-13
    assert 1e-9 < imported.rounding.relative_difference < 1e-6
    inputs = random_inputs(model.network, 30)
    expected, received = model(inputs), imported.model(inputs)
    np.testing.assert_allclose(received, expected, rtol=0, atol=5e-6)


def test_every_weight_is_the_constant(imported, model, dialect):
    expected, received = weights_of(model), weights_of(imported.model)
    assert received.keys() == expected.keys()
    for layer, values in expected.items():
        if dialect == TF1 and "_norm_" in layer and layer.startswith(("tau_", "final_")):
            continue  # folded: see the next test
        for name, value in values.items():
            np.testing.assert_array_equal(received[layer][name], value, err_msg=f"{layer} {name}")


def test_folded_normalisation_of_flat_features(model):
    constants = graph_constants(FrozenGraph(Path("core"), network_graphs(model, TF1)["core"]), TF1_FOLDED)
    original = weights_of(model)["final_norm_2"]
    weights = keras_weights(constants["final_norm_2"], 1e-3)
    np.testing.assert_array_equal(weights["moving_mean"], np.zeros(9))
    np.testing.assert_array_equal(weights["moving_variance"] + np.float32(1e-3), np.ones(9))
    scale = original["gamma"] / np.sqrt(original["moving_variance"] + 1e-3)
    np.testing.assert_allclose(weights["gamma"], scale, rtol=1e-6)
    np.testing.assert_allclose(weights["beta"], original["beta"] - original["moving_mean"] * scale, rtol=1e-5, atol=1e-6)


def test_dropout_and_name_are_the_users(imported):
    assert (imported.model.network.dropout, imported.model.name) == (0.3, "mine")


@pytest.mark.parametrize("variant", VARIANTS)
def test_other_networks_of_the_family(variant, dialect, tmp_path):
    model = random_model(small_network(**VARIANTS[variant]))
    imported = import_cms_model(**write_network(model, tmp_path, dialect), n_taus=40)
    assert told_by_graphs(imported.model.network) == told_by_graphs(model.network)
    assert imported.comparison.largest_difference < 2e-6


def test_problems_of_all_files_are_told_at_once(model, tmp_path):
    files = write_network(model, tmp_path) | {"inner": tmp_path / "nowhere.pb"}
    files["core"] = files["outer"]
    with pytest.raises(
        InputError, match=r"nowhere.pb: no such file(.|\n)*given as the core graph, .* it is the outer graph"
    ):
        import_cms_model(**files)


def test_exchanged_files_are_refused_with_the_way_out(model, tmp_path):
    files = write_network(model, tmp_path)
    files |= {"inner": files["outer"], "outer": files["inner"]}
    with pytest.raises(InputError) as caught:
        import_cms_model(**files)
    *wrong, way_out = str(caught.value).splitlines()
    assert ["given as the inner" in wrong[0], "given as the outer" in wrong[1]] == [True, True]
    assert way_out == f"exchange them: --inner {files['outer']} --outer {files['inner']}"


def test_mixed_dialects_are_refused(model, tmp_path):
    files = write_network(model, tmp_path / "new") | {"core": write_network(model, tmp_path / "old", TF1)["core"]}
    with pytest.raises(InputError, match=r"test_inner.pb TF2-frozen, .*test_core.pb TF1-folded"):
        import_cms_model(**files)


@pytest.mark.parametrize(
    ("change", "part", "message"),
    [
        ({"merge": {"widths": [11, 9]}}, "core", "takes inner cells of 9 features, but the inner graph makes 8"),
        ({"merge": {"widths": [12, 8]}}, "outer", r"different versions(.|\n)*merged 11, 8(.|\n)*merged 12, 8"),
        (
            {"components": small_network().model_dump()["components"] | {"muon": {"n_features": 6, "widths": [7]}}},
            "inner",
            r"different versions(.|\n)*muon 6 -> 7(.|\n)*muon 4 -> 7",
        ),
        ({"normalisation": {"epsilon": 0.01}}, "inner", "one epsilon in .* found 0.001, 0.01"),
    ],
    ids=["merged width", "merge widths", "component", "epsilon"],
)
def test_graphs_of_different_versions_are_refused(change, part, message, model, tmp_path):
    other = random_model(small_network(**change))
    files = write_network(model, tmp_path / "one") | {part: write_network(other, tmp_path / "other")[part]}
    with pytest.raises(InputError, match=message):
        import_cms_model(**files)


def test_every_mismatch_is_listed(model, tmp_path):
    graphs = network_graphs(model, TF2)
    for node in graphs["core"].node:  # a layer under another name, in the constants only
        if node.name.startswith("tau_norm_1/") and node.name.endswith("/resource"):
            node.name = node.name.replace("tau_norm_1", "tau_norm_7")
        node.input[:] = [
            name.replace("tau_norm_1", "tau_norm_7") if name.endswith("/resource") else name for name in node.input
        ]
    with pytest.raises(
        InputError, match=r"2 problems:\n  tau_norm_7: in the graphs, (.|\n)*tau_norm_1: expected beta.*nothing"
    ):
        import_cms_model(**write_graphs(graphs, tmp_path))


def test_unknown_weight_is_refused(model, tmp_path):
    graphs = network_graphs(model, TF2)
    node = graphs["inner"].node.add()
    node.CopyFrom(next(n for n in graphs["inner"].node if n.name == "inner_all_conv_1/BiasAdd/ReadVariableOp/resource"))
    node.name = "attention/query/resource"
    with pytest.raises(InputError, match=r"test_inner.pb: 1 weights belong to no layer .*attention/query/resource \(11,\)"):
        import_cms_model(**write_graphs(graphs, tmp_path))


def test_gap_in_the_layers_is_refused(model, tmp_path):
    graphs = network_graphs(model, TF2)
    for node in graphs["core"].node:
        node.name = node.name.replace("final_dense_2/", "final_dense_8/")
        node.input[:] = [name.replace("final_dense_2/", "final_dense_8/") for name in node.input]
    with pytest.raises(InputError, match=r"block 'final': expected .* without gaps; found 1, 3, 8"):
        import_cms_model(**write_graphs(graphs, tmp_path))


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("core", lambda n: n["inner_all_3x3_conv_1/Conv2D"].attr["padding"].__setattr__("s", b"SAME"), "has padding SAME"),
        (
            "core",
            lambda n: changed(n["features_concat/concat"], **{"tau_dropout_2/Identity": "inner_cells_flatten/Reshape"}),
            "expected those of the tau",
        ),
        (
            "inner",
            lambda n: changed(n["inner_cell_concat/concat"], **{"inner_muon_dropout_1/Identity": "input_inner_muon"}),
            "joins .*input_inner_muon.*: not a DeepTau network",
        ),
    ],
    ids=["padding", "order", "unknown block"],
)
def test_other_structures_are_refused(part, change, message, model, tmp_path):
    with pytest.raises(InputError, match=message):
        import_cms_model(**write_graphs(edited(model, change, part), tmp_path))


@pytest.mark.parametrize(
    ("layer", "roles"),
    [
        ("tau_norm_1", {"moving_mean": "beta", "beta": "moving_mean"}),
        ("inner_muon_norm_1", {"gamma": "moving_variance", "moving_variance": "gamma"}),
        ("outer_all_3x3_activation_2", {"alpha": "alpha"}),
    ],
    ids=["mean and offset", "scale and variance", "slope without its sign"],
)
def test_wrong_assignment_of_weights_is_refused_by_the_scores(layer, roles, model, tmp_path, monkeypatch):
    def tampered(constants, epsilon, dtype):
        weights = keras_weights(constants, epsilon, dtype)
        if constants is broken.get(layer):
            weights |= {new: -weights[old] if new == old else weights[old] for old, new in roles.items()}
        return weights

    def remembered(graphs):
        found = layer_constants(graphs)
        broken.update(found[1])
        return found

    broken = {}
    monkeypatch.setattr(importing, "layer_constants", remembered)
    monkeypatch.setattr(importing, "keras_weights", tampered)
    with pytest.raises(InputError, match=r"is not the one of the graphs: in double precision .*allowed 1e-09"):
        import_cms_model(**write_network(model, tmp_path), n_taus=20)


def test_other_operations_are_refused_by_their_scores(model, tmp_path):
    def replace(nodes):
        nodes["final_activation_2/Relu"].op = "Tanh"

    with pytest.raises(InputError, match=r"is not the one of the graphs: in double precision .*allowed 1e-09"):
        import_cms_model(**write_graphs(edited(model, replace, "core"), tmp_path), n_taus=20)


def test_graph_without_output_is_refused(model, tmp_path):
    def rename(nodes):
        nodes["main_output/Softmax"].name = "output/Softmax"

    with pytest.raises(TauAdvError, match=r"test_core.pb: no node 'main_output/Softmax'"):
        import_cms_model(**write_graphs(edited(model, rename, "core"), tmp_path), n_taus=20)


def test_a_network_that_rounds_much_comes_in(dialect, tmp_path):
    """Judged by its own rounding: single precision alone moves its scores by more than 1e-5."""
    model = rounding_much(small_network())
    imported = import_cms_model(**write_network(model, tmp_path / "in", dialect), n_taus=40)
    assert imported.rounding.largest_difference > 1e-5
    assert imported.double_precision.relative_difference < 1e-9


def test_a_network_that_rounds_much_goes_out(tmp_path):
    rounding_much(small_network()).save(tmp_path / "model.keras")
    for form in ("cms", "onnx", "savedmodel"):
        settings = ExportSettings(format=form, features="none", n_taus=60)
        export_model(ModelSource(tmp_path / "model.keras", None), tmp_path / form, settings)  # not refused


def rounding_much(network):
    """A model whose first layer adds 3000 that its normalisation takes away again."""
    model = random_model(network)
    bias, mean = model.get_layer("tau_dense_1").bias, model.get_layer("tau_norm_1").moving_mean
    bias.assign(bias + 3000)
    mean.assign(mean + 3000)
    return model


def test_a_change_below_the_rounding_is_seen_in_double_precision(model, tmp_path, monkeypatch):
    def tampered(constants, epsilon, dtype):
        weights = keras_weights(constants, epsilon, dtype)
        return {role: value * dtype(1 + 2e-8) if role == "kernel" else value for role, value in weights.items()}

    monkeypatch.setattr(importing, "keras_weights", tampered)
    with pytest.raises(InputError, match=r"not the one of the graphs: in double precision .*allowed 1e-09 all together; it"):
        import_cms_model(**write_network(model, tmp_path), n_taus=20)
