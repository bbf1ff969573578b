"""Networks drawn at random, and one of the size of an older version: in, and out and in again."""

import numpy as np
import pytest
from cms_graphs import TF1, TF2, random_model, small_network, told_by_graphs, weights_of, write_network
from hypothesis import given, settings
from hypothesis import strategies as st
from network_batches import random_inputs

from TauAdv.models.cms.exporting import write_graphs
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.layer_weights import layer_weights

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

WIDTHS = st.lists(st.integers(1, 12), min_size=1, max_size=3)
CONVOLUTION = st.fixed_dictionaries({"kernel": st.integers(1, 3), "stride": st.integers(1, 2), "width": st.integers(1, 9)})


@st.composite
def grids(draw):
    """A grid as large as its convolutions, last layer first, make it."""
    layers, size = draw(st.lists(CONVOLUTION, min_size=1, max_size=3)), 1
    for layer in reversed(layers):
        size = (size - 1) * layer["stride"] + layer["kernel"]
    return {"n_cells": size, "layers": layers}


@st.composite
def networks(draw):
    names = draw(st.permutations(["egamma", "muon", "hadrons", "tracks"]))[: draw(st.integers(2, 3))]
    block = st.fixed_dictionaries({"n_features": st.integers(1, 20), "widths": WIDTHS})
    return small_network(
        tau=draw(block),
        components={name: draw(block) for name in names},
        merge={"widths": draw(WIDTHS)},
        grids={name: draw(grids()) for name in draw(st.permutations(["inner", "outer"]))},
        class_head={"widths": draw(WIDTHS)},
        n_classes=draw(st.integers(2, 6)),
        normalisation={"epsilon": draw(st.sampled_from([1e-5, 1e-3, 0.02]))},
    )


@pytest.mark.parametrize("dialect", [TF2, TF1])
@given(network=networks())
@settings(max_examples=3)
def test_any_network_of_the_family_comes_in(dialect, network, tmp_path_factory):
    model = random_model(network)
    files = write_network(model, tmp_path_factory.mktemp("drawn"), dialect)
    imported = import_cms_model(**files, n_taus=20)
    assert imported.dialect == dialect
    assert told_by_graphs(imported.model.network) == told_by_graphs(network)
    np.testing.assert_allclose(imported.model(inputs := random_inputs(network, 10)), model(inputs), rtol=0, atol=5e-6)


@given(network=networks())
@settings(max_examples=3)
def test_what_goes_out_comes_in_again(network, tmp_path_factory):
    model = random_model(network)
    files = write_graphs(layer_weights(model, "drawn"), network, tmp_path_factory.mktemp("drawn"), "drawn")
    back = import_cms_model(**files, n_taus=20).model
    assert told_by_graphs(back.network) == told_by_graphs(network)
    expected, received = weights_of(model), weights_of(back)
    assert received.keys() == expected.keys()
    for layer, values in expected.items():
        for name, value in values.items():
            np.testing.assert_array_equal(received[layer][name], value, err_msg=f"{layer} {name}")


def test_network_of_the_size_of_the_2017_versions(tmp_path):
    """47 flat features through 113, 80 and 57; grids of 11 and 21 cells; 185 common features."""
    network = small_network(
        tau={"n_features": 47, "widths": [113, 80, 57]},
        components={
            "egamma": {"n_features": 86, "widths": [20]},
            "muon": {"n_features": 64, "widths": [16]},
            "hadrons": {"n_features": 38, "widths": [12]},
        },
        merge={"widths": [48, 64]},
        grids={"inner": {"n_cells": 11}, "outer": {"n_cells": 21}},
        class_head={"widths": [200, 200, 200, 200]},
    )
    model = random_model(network)
    imported = import_cms_model(**write_network(model, tmp_path, TF1, "deepTau_2017v2p6"), n_taus=20)
    assert told_by_graphs(imported.model.network) == told_by_graphs(network)
    assert imported.model.get_layer("final_dense_1").kernel.shape == (185, 200)
    assert [len(grid.layers) for grid in imported.model.network.grids.values()] == [5, 10]
