import numpy as np
import pytest
import tensorflow as tf

from TauAdv.config import dump_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.models.conversion import class_part, dtype_of, with_adversarial_head
from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.deeptau.settings import shipped_networks
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.models.jet_flavour.network import build_jet_adversarial, build_jet_classifier, logits_model
from TauAdv.models.jet_flavour.settings import JetNetworkSettings, load_jet_network
from TauAdv.models.loading import load_model, load_tagger
from TauAdv.models.tagger import inference_function, network_inputs
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables

pytestmark = pytest.mark.slow


def small_network(**changes) -> JetNetworkSettings:
    settings = {"name": "small", "n_features": 7, "hidden": [6, 5, 4], "common_layers": 2, "dropout": 0.0}
    return JetNetworkSettings.model_validate(settings | {"adversarial_head": {"widths": [5]}} | changes)


def jets(network, n_jets=9, seed=0, dtype="f4"):
    return {"x": np.random.default_rng(seed).normal(size=(n_jets, network.n_features)).astype(dtype)}


def test_layers_of_the_network():
    model = build_jet_classifier(load_jet_network())
    assert model.count_params() == 59_203
    dense = [layer for layer in model.layers if "dense" in layer.name and layer.weights]
    assert [layer.units for layer in dense] == [100] * 5 + [3]
    assert [layer.activation.__name__ for layer in dense] == ["relu"] * 5 + ["linear"]
    kinds = [
        layer.rate if "dropout" in layer.name else 0 for layer in model.layers if "dropout" in layer.name or layer in dense
    ]
    assert kinds == [0, 0.1, 0, 0.1, 0, 0.1, 0, 0.1, 0, 0]
    assert (model.input["x"].shape, model.output.shape) == ((None, 184), (None, 3))


def test_outputs_follow_the_formula():
    network = small_network()
    model = build_jet_classifier(network, dtype="float64")
    x = jets(network, dtype="f8")
    activity = x["x"]
    for position, name in enumerate(("dense_1", "dense_2", "final_dense_3", "final_dense_last")):
        kernel, bias = model.get_layer(name).get_weights()
        activity = activity @ kernel + bias
        activity = np.maximum(activity, 0) if position < 3 else activity
    np.testing.assert_allclose(logits_model(model)(x), activity, rtol=1e-12, atol=1e-14)
    expected = np.exp(activity) / np.exp(activity).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-12)


def test_losses_never_read_half_precision():
    model = build_jet_adversarial(small_network(), dtype="mixed_bfloat16")
    assert model.get_layer("dense_1").compute_dtype == "bfloat16"
    last = ("final_dense_last", "final_dense_adv", "main_output", "adv_output")
    assert {name: model.get_layer(name).compute_dtype for name in last} == dict.fromkeys(last, "float32")
    assert {value.dtype for value in logits_model(model)(jets(small_network())).values()} == {tf.float32}


@pytest.mark.parametrize("build", [build_jet_classifier, build_jet_adversarial])
def test_saved_model_predicts_the_same_bits(build, tmp_path):
    model = build(small_network(dropout=0.1), seed=3)
    model.save(tmp_path / "model.keras")
    loaded = load_tagger(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert (loaded.network, loaded.is_adversarial) == (model.network, model.is_adversarial)
    x = jets(model.network)
    expected, received = (inference_function(m)(x) for m in (model, loaded))
    for name in expected if model.is_adversarial else [None]:
        first, second = (value[name] if name else value for value in (expected, received))
        np.testing.assert_array_equal(second, first)


def test_kinds_of_tagger_are_told_apart(tmp_path):
    build_jet_classifier(small_network()).save(tmp_path / "jets.keras")
    with pytest.raises(InputError, match=r"jets.keras: expected a TauAdv tagger of taus, received a JetTagger"):
        load_model(tmp_path / "jets.keras")
    with pytest.raises(InputError, match="tagger of taus"):
        load_tagger(tmp_path / "jets.keras", TauTagger)


def test_heads_split_where_configured():
    for common in (1, 3):
        model = build_jet_adversarial(small_network(common_layers=common))
        groups = common_variables(model), class_head_variables(model), adversarial_head_variables(model)
        assert [len(group) for group in groups] == [2 * common, 2 * (3 - common) + 2, 4]
        assert sum(map(len, groups)) == len(model.trainable_variables)
        assert model.output["adv_output"].shape == (None, 1)


def test_reversal_turns_and_scales_the_gradient_of_the_common_layers():
    network = small_network()
    plain, turned = (build_jet_adversarial(network, dtype="float64", seed=1, k2=k2) for k2 in (-1.0, 2.5))
    x = jets(network, dtype="f8")

    def gradients(model):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.math.log(model(x)["adv_output"]))
        variables = [*common_variables(model), *adversarial_head_variables(model)]
        return tape.gradient(loss, [variable.value for variable in variables])

    expected, received = gradients(plain), gradients(turned)
    for first, second in zip(expected[:4], received[:4], strict=True):
        np.testing.assert_allclose(second, -2.5 * first, rtol=1e-12)
    for first, second in zip(expected[4:], received[4:], strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-12)
    set_gradient_scales(turned, 1.0, -1.0)
    for first, second in zip(expected, gradients(turned), strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-12)


def test_conversion_keeps_the_weights():
    classifier = build_jet_classifier(small_network(), dtype="float64", seed=5)
    adversarial = with_adversarial_head(classifier, k1=0.5, k2=3.0)
    assert dtype_of(adversarial) == "float64"
    x = jets(classifier.network, dtype="f8")
    np.testing.assert_array_equal(adversarial(x)["main_output"], classifier(x))
    np.testing.assert_array_equal(class_part(adversarial)(x), classifier(x))
    np.testing.assert_allclose(tf.nn.softmax(logits_model(adversarial)(x)["logits"]), classifier(x), rtol=1e-12)


def test_lengths_do_not_retrace_and_labels_stay_out():
    network = small_network()
    compute = inference_function(build_jet_classifier(network))
    for n_jets in (1, 4, 9):
        batch = {**jets(network, n_jets), "y": np.zeros((n_jets, 3)), "x_default": np.zeros((n_jets, 7), bool)}
        assert compute(network_inputs(batch)).shape == (n_jets, 3)
    assert compute.experimental_get_tracing_count() == 1


def test_seed_decides_weights_and_dropout_acts_in_training_only():
    network = small_network(dropout=0.4)
    first, again, other = (build_jet_classifier(network, seed=seed) for seed in (1, 1, 2))
    x = jets(network)
    np.testing.assert_array_equal(first(x), again(x))
    assert (first(x).numpy() != other(x).numpy()).any()
    np.testing.assert_array_equal(first(x, training=False), first(x))
    assert (first(x, training=True).numpy() != first(x).numpy()).any()


def test_families_of_networks_are_separate(tmp_path):
    assert "jet_flavour" in shipped_networks("jet")
    assert not set(shipped_networks("jet")) & set(shipped_networks())
    with pytest.raises(ConfigError, match=r"'jet_flavor'.*did you mean 'jet_flavour'"):
        load_jet_network("jet_flavor")
    with pytest.raises(ConfigError, match="common_layers=4: the network has 3 hidden layers"):
        load_jet_network("jet_flavour", ["hidden=[5,5,5]", "common_layers=4"])
    (tmp_path / "own.yaml").write_text(dump_settings(small_network()))
    assert load_jet_network(tmp_path / "own.yaml") == small_network()
