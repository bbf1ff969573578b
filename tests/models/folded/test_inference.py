from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_batches import random_inputs, randomise, tiny_network

from TauAdv.models.conversion import with_grid_mode
from TauAdv.models.deeptau.network import FEATURES_LAYER, build_adversarial, build_classifier
from TauAdv.models.deeptau.settings import load_network
from TauAdv.models.folded.inference import FEATURES, folded_inference, taus_per_chunk
from TauAdv.models.precision import in_single_precision
from TauAdv.models.tagger import inference_function

pytestmark = pytest.mark.slow

widths = st.lists(st.integers(1, 9), min_size=1, max_size=3)


@st.composite
def convolutions(draw, n_cells):
    """Layers of random kernels and strides that end in one cell."""
    layers, size = [], n_cells
    while size > 1:
        kernel, stride = draw(st.integers(2, size)), draw(st.integers(1, 3))
        if (size - kernel) % stride:
            stride = 1
        layers.append({"kernel": kernel, "stride": stride, "width": draw(st.integers(1, 9))})
        size = (size - kernel) // stride + 1
    return layers


@st.composite
def networks(draw):
    def block():
        return {"n_features": draw(st.integers(1, 5)), "widths": draw(widths)}

    names = draw(st.sampled_from([["inner"], ["outer"], ["inner", "outer"], ["outer", "inner"]]))
    cells = {name: draw(st.integers(2, 7)) for name in names}
    return tiny_network(
        tau=block(),
        components={name: block() for name in ["egamma", "muon", "hadrons"][: draw(st.integers(1, 3))]},
        merge={"widths": draw(widths)},
        grids={name: {"n_cells": number, "layers": draw(convolutions(number))} for name, number in cells.items()},
        class_head={"widths": draw(widths)},
        adversarial_head={"widths": draw(widths)},
        n_classes=draw(st.integers(2, 4)),
        normalisation={"epsilon": draw(st.sampled_from([1e-3, 1e-1]))},
        grid_mode=draw(st.sampled_from(["dense", "sparse"])),
    )


def in_type(inputs, dtype):
    return {name: value.astype(dtype) if value.dtype.kind == "f" else value for name, value in inputs.items()}


@cache
def dense_model(model):
    dense = with_grid_mode(model, "dense")
    outputs = dict(dense.output) if model.is_adversarial else {"main_output": dense.output}
    return keras.Model(dense.input, outputs | {FEATURES: dense.get_layer(FEATURES_LAYER).output})


def dense_outputs(model, inputs):
    """What the reference gives with the same weights: every cell computed, by the Keras layers."""
    return {name: value.numpy() for name, value in dense_model(model)(inputs, training=False).items()}


def require_equal(model, inputs, allowed, **options):
    expected = dense_outputs(model, inputs)
    received = folded_inference(model, with_features=True, **options)(inputs)
    assert received.keys() == expected.keys()
    for name, values in expected.items():
        scale = 1 if name != FEATURES else np.abs(values).max()
        assert received[name].dtype == values.dtype
        np.testing.assert_allclose(received[name], values, rtol=0, atol=allowed * scale, err_msg=name)


def small_model(build=build_adversarial, dtype="float32", **changes):
    model = build(tiny_network(**changes), dtype=dtype)
    randomise(model)
    return model


@pytest.fixture(scope="module")
def double():
    return small_model(dtype="float64")


@pytest.fixture(scope="module")
def single():
    return small_model()


@settings(max_examples=6)
@given(
    network=networks(),
    n_taus=st.integers(1, 5),
    filled=st.floats(0, 20),
    chunk=st.integers(1, 6),
    seed=st.integers(0, 99),
    precision=st.sampled_from([("float64", 1e-12), ("float32", 2e-6)]),
)
def test_random_networks(network, n_taus, filled, chunk, seed, precision):
    inputs = random_inputs(network, n_taus, seed, filled={"inner": filled, "outer": filled})
    build = build_adversarial if seed % 2 else build_classifier
    dtype, allowed = precision
    model = build(network, dtype=dtype, seed=seed)
    randomise(model, seed)
    require_equal(model, in_type(inputs, dtype), allowed, chunk=chunk)


@pytest.mark.parametrize("mode", ["dense", "sparse"])
@pytest.mark.parametrize("build", [build_classifier, build_adversarial])
def test_both_heads_and_features_in_both_modes(build, mode):
    model = small_model(build, grid_mode=mode)
    require_equal(model, random_inputs(model.network, 9), 2e-6, chunk=4)


@pytest.mark.parametrize("n_taus", [1, 2])
def test_taus_without_filled_cells(n_taus, double):
    inputs = in_type(random_inputs(double.network, n_taus, filled={"inner": 0, "outer": 0}), "float64")
    assert len(inputs["inner_index"]) == len(inputs["outer_index"]) == 0
    require_equal(double, inputs, 1e-12)


def test_one_empty_grid_and_one_empty_tau(double):
    inputs = random_inputs(double.network, 3, filled={"inner": 0, "outer": 9})
    kept = inputs["outer_index"][:, 0] != 1
    inputs |= {name: inputs[name][kept] for name in ("outer_index", "outer_cells")}
    assert len(inputs["inner_index"]) == 0
    require_equal(double, in_type(inputs, "float64"), 1e-12, chunk=1)


def test_single_cells_up_to_the_edge(double):
    cells = [(0, 0), (0, 6), (6, 0), (6, 6), (1, 5), (5, 1), (3, 0), (6, 2), (3, 3)]
    inputs = random_inputs(double.network, len(cells), filled={"inner": 4, "outer": 0})
    inputs["outer_index"] = np.array([[tau, *cell] for tau, cell in enumerate(cells)], "i4")
    inputs["outer_cells"] = np.random.default_rng(0).normal(size=(len(cells), double.network.n_cell_features))
    require_equal(double, in_type(inputs, "float64"), 1e-12)


def test_full_grids(double):
    inputs = random_inputs(double.network, 2, filled={"inner": 25, "outer": 49})
    assert len(inputs["outer_index"]) == 2 * 49
    require_equal(double, in_type(inputs, "float64"), 1e-12)


def test_batch_without_taus(single):
    outputs = folded_inference(single, with_features=True)(random_inputs(single.network, 0))
    assert {name: len(values) for name, values in outputs.items()} == {"main_output": 0, "adv_output": 0, FEATURES: 0}


def test_cells_may_come_in_any_order():
    model = small_model(build_classifier, dtype="float64")
    inputs = in_type(random_inputs(model.network, 6), "float64")
    generator = np.random.default_rng(1)
    for grid in model.network.grids:
        order = generator.permutation(len(inputs[f"{grid}_index"]))
        inputs |= {name: inputs[name][order] for name in (f"{grid}_index", f"{grid}_cells")}
    require_equal(model, inputs, 1e-12, chunk=2)


def test_negative_and_steep_slopes():
    model = small_model(build_classifier, dtype="float64", tau={"n_features": 6, "widths": [9, 8, 7]})
    generator = np.random.default_rng(2)
    for layer in model.layers:
        if "_activation_" in layer.name:
            layer.alpha.assign(generator.normal(0, 2, layer.alpha.shape))
    inputs = in_type(random_inputs(model.network, 5), "float64")
    require_equal(model, inputs, 1e-12)
    inputs["outer_cells"][inputs["outer_index"][:, 0] == 2] = np.nan
    scores = folded_inference(model)(inputs)["main_output"].numpy()
    assert np.isnan(scores).all(axis=1).tolist() == [False, False, True, False, False]


def test_same_numbers_twice_and_in_any_chunks(single):
    inputs = random_inputs(single.network, 20)
    compute, in_threes = folded_inference(single), folded_inference(single, chunk=3)
    for name, values in compute(inputs).items():
        np.testing.assert_array_equal(compute(inputs)[name], values)
        np.testing.assert_allclose(in_threes(inputs)[name], values, rtol=0, atol=1e-6)


def test_outputs_are_those_asked_for(single):
    batch = random_inputs(single.network, 2) | {"weight": np.ones(2)}
    assert set(folded_inference(single)(batch)) == {"main_output", "adv_output"}
    assert set(folded_inference(single, with_adversarial_head=False)(batch)) == {"main_output"}


def test_weights_are_those_at_the_time_of_the_call():
    model = small_model(build_classifier)
    inputs = random_inputs(model.network, 4)
    compute = folded_inference(model)
    before = compute(inputs)["main_output"].numpy()
    randomise(model, seed=5)
    np.testing.assert_array_equal(compute(inputs)["main_output"], before)
    after = folded_inference(model)(inputs)["main_output"]
    assert np.abs(after - before).max() > 1e-3


def test_mixed_precision_is_evaluated_in_single():
    model = small_model(dtype="mixed_bfloat16")
    inputs = random_inputs(model.network, 4)
    expected = folded_inference(in_single_precision(model), with_features=True)(inputs)
    for name, values in folded_inference(model, with_features=True)(inputs).items():
        assert values.dtype == "float32"
        np.testing.assert_array_equal(values, expected[name])


def test_values_that_are_not_finite_stay_so():
    model = small_model(build_classifier)
    inputs = random_inputs(model.network, 3)
    inputs["outer_cells"][inputs["outer_index"][:, 0] == 1] = np.nan
    scores = folded_inference(model)(inputs)["main_output"].numpy()
    assert np.isnan(scores[1]).all()
    assert np.isfinite(scores[[0, 2]]).all()


@pytest.mark.parametrize("name", ["deeptau_demo", "deeptau_v2p5"])
def test_plain_sparse_path_has_the_bits_of_dense(name):
    network = load_network(name)
    sparse = build_classifier(network)
    randomise(sparse)
    inputs = random_inputs(network, 6, filled={"inner": 8, "outer": 25})
    expected = inference_function(with_grid_mode(sparse, "dense"))(inputs).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert (inference_function(sparse)(inputs).numpy() == expected).all()


def test_chunks_are_as_large_as_the_cache():
    network = load_network("deeptau_v2p5")
    assert taus_per_chunk(network, 4) * 19 * 19 * 64 * 4 <= 6e6 < (taus_per_chunk(network, 4) + 1) * 19 * 19 * 64 * 4
    assert taus_per_chunk(network, 8) == taus_per_chunk(network, 4) // 2
    assert taus_per_chunk(load_network("deeptau_demo"), 4) == 1000
