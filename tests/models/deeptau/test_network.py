import numpy as np
import pytest
import tensorflow as tf
from network_batches import random_inputs, randomise, tiny_network

from TauAdv.models.conversion import class_part, dtype_of, with_adversarial_head, with_grid_mode
from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.deeptau.settings import load_network
from TauAdv.models.tagger import inference_function
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables

pytestmark = pytest.mark.slow

# (DeepTau specification, section H)
TRAINABLE = {
    "tau": 16_936,
    "egamma": 59_681,
    "muon": 33_340,
    "hadrons": 12_142,
    "all": 103_656,
    "inner_3x3": 185_600,
    "outer_3x3": 371_200,
    "final": 160_004,
    "final_adv": 159_401,
}


def trainable_parameters(model, prefix):
    layers = [layer for layer in model.layers if layer.name.startswith(prefix)]
    return sum(int(np.prod(v.shape)) for layer in layers for v in layer.trainable_variables)


def total(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def test_parameter_counts_of_v2p5(v2p5_adversarial):
    classifier = build_classifier(load_network("deeptau_v2p5"))
    assert total(classifier.trainable_variables) == 1_151_378
    assert classifier.count_params() == 1_161_286
    assert total(v2p5_adversarial.trainable_variables) == 1_310_779
    assert v2p5_adversarial.count_params() == 1_322_287


def test_parameter_counts_of_every_part(v2p5_adversarial):
    model = v2p5_adversarial
    assert trainable_parameters(model, "tau_") == TRAINABLE["tau"]
    for grid in ("inner", "outer"):
        for component in ("egamma", "muon", "hadrons"):
            assert trainable_parameters(model, f"{grid}_{component}_") == TRAINABLE[component]
        convolutions = trainable_parameters(model, f"{grid}_all_3x3_")
        assert convolutions == TRAINABLE[f"{grid}_3x3"]
        assert trainable_parameters(model, f"{grid}_all_") - convolutions == TRAINABLE["all"]
    assert total(class_head_variables(model)) == TRAINABLE["final"]
    assert total(adversarial_head_variables(model)) == TRAINABLE["final_adv"]
    assert total(common_variables(model)) + TRAINABLE["final"] + TRAINABLE["final_adv"] == total(model.trainable_variables)


def test_layer_names(v2p5_adversarial):
    names = {layer.name for layer in v2p5_adversarial.layers}
    expected = {"input_tau", "features_concat", "final_dense_last", "main_output", "final_dense_adv", "adv_output"}
    for grid in ("inner", "outer"):
        for component in ("egamma", "muon", "hadrons"):
            expected.add(f"input_{grid}_{component}")
            kinds = ("conv", "norm", "activation", "dropout")
            expected |= {f"{grid}_{component}_{kind}_{number}" for kind in kinds for number in (1, 2, 3)}
        expected |= {f"{grid}_all_{kind}_4" for kind in kinds}
    expected |= {"inner_all_3x3_conv_5", "outer_all_3x3_norm_10", "tau_dense_3", "final_norm_4", "final_adv_activation_4"}
    assert expected <= names


def test_names_and_sizes_are_those_of_the_public_network(reference_data):
    """Every constant of the CMS graphs belongs to a layer of ours, and the numbers of parameters agree."""
    folder = reference_data / "data" / "deepTau_2018v2p5"
    sizes: dict[str, int] = {}
    for part in ("inner", "outer", "core"):
        graph = tf.compat.v1.GraphDef.FromString((folder / f"deepTau_2018v2p5_{part}.pb").read_bytes())
        for node in graph.node:
            if node.op == "Const" and node.name.endswith("/resource"):
                layer = node.name.split("/")[0]
                sizes[layer] = sizes.get(layer, 0) + int(np.prod(tf.make_ndarray(node.attr["value"].tensor).shape))
    model = build_classifier(load_network("deeptau_v2p5"))
    assert {layer.name: layer.count_params() for layer in model.layers if layer.weights} == sizes


@pytest.mark.parametrize("name", ["deeptau_demo", "deeptau_v2p5"])
def test_sparse_inference_equals_dense(name):
    network = load_network(name)
    sparse = build_classifier(network)
    randomise(sparse)
    dense = with_grid_mode(sparse, "dense")
    inputs = random_inputs(network, 6, filled={"inner": 8, "outer": 25})
    expected = inference_function(dense)(inputs).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_allclose(inference_function(sparse)(inputs), expected, rtol=0, atol=1e-6)


def test_grid_modes_convert_both_ways_and_keep_head_and_scales():
    model = with_adversarial_head(build_classifier(tiny_network(), dtype="float64"), k1=0.5, k2=3.0)
    randomise(model)
    back = with_grid_mode(with_grid_mode(model, "dense"), "sparse")
    assert back.network == model.network
    assert dtype_of(back) == "float64"
    assert [float(back.get_layer(name).scale) for name in ("class_gradient", "adv_gradient")] == [0.5, 3.0]
    inputs = random_inputs(model.network, 4)
    for output, values in model(inputs).items():
        np.testing.assert_array_equal(back(inputs)[output], values)
    np.testing.assert_array_equal(class_part(model)(inputs), model(inputs)["main_output"])


def test_lengths_do_not_retrace():
    model = build_classifier(tiny_network())
    compute = inference_function(model)
    for n_taus in (1, 3, 8):
        assert compute(random_inputs(model.network, n_taus, seed=n_taus)).shape == (n_taus, 4)
    assert compute.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("mode", ["dense", "sparse"])
@pytest.mark.parametrize("training", [False, True])
def test_taus_without_any_filled_cell(mode, training):
    model = build_classifier(tiny_network(grid_mode=mode, dropout=0.2))
    inputs = random_inputs(model.network, 3, filled={"inner": 0, "outer": 0})
    assert len(inputs["inner_index"]) == 0
    scores = model(inputs, training=training).numpy()
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)


def test_seed_decides_the_initial_weights_by_name():
    network = tiny_network()
    first, again, other = (build_classifier(network, seed=seed) for seed in (1, 1, 2))
    adversarial = with_adversarial_head(first)
    for layer in first.layers:
        if layer.name.endswith(("conv_1", "dense_1")):
            kernel = layer.kernel.numpy()
            np.testing.assert_array_equal(again.get_layer(layer.name).kernel, kernel)
            np.testing.assert_array_equal(adversarial.get_layer(layer.name).kernel, kernel)
            assert (other.get_layer(layer.name).kernel.numpy() != kernel).any()


def test_mixed_precision_keeps_probabilities_and_statistics_in_float32():
    model = build_classifier(tiny_network(), dtype="mixed_bfloat16")
    reference = build_classifier(tiny_network())
    inputs = random_inputs(model.network, 5)
    scores = model(inputs, training=True)
    assert scores.dtype == tf.float32
    np.testing.assert_allclose(scores, reference(inputs, training=True), rtol=0, atol=0.05)
    mean = model.get_layer("outer_egamma_norm_1").moving_mean.numpy()
    np.testing.assert_allclose(mean, reference.get_layer("outer_egamma_norm_1").moving_mean, rtol=0, atol=1e-4)


def test_wide_tau_inputs_are_configurable():
    network = load_network("deeptau_demo", ["tau.n_features=47"])
    scores = build_classifier(network)(random_inputs(network, 2))
    assert scores.shape == (2, 4)
