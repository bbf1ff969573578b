"""Inference with the Keras layers as they are."""

import numpy as np
import pytest
from cms_graphs import small_network
from network_batches import random_inputs, randomise

from TauAdv.models.deeptau.network import build_adversarial, build_classifier
from TauAdv.models.inference import layer_inference
from TauAdv.models.jet_flavour.network import build_jet_adversarial
from TauAdv.models.jet_flavour.settings import load_jet_network

pytestmark = pytest.mark.slow


def test_outputs_are_those_of_the_layers():
    network = small_network()
    model = build_adversarial(network)
    randomise(model, 3)
    batch = random_inputs(network, 7)
    expected = model(batch, training=False)
    received = layer_inference(model, with_features=True)({**batch, "weight": np.ones(7)})
    assert received.keys() == {"main_output", "adv_output", "features"}
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, rtol=0, atol=1e-6)
    assert received["features"].shape[0] == 7
    assert layer_inference(model, with_adversarial_head=False)(batch).keys() == {"main_output"}
    assert layer_inference(build_classifier(network))(batch).keys() == {"main_output"}


def test_jets_have_the_same_outputs():
    network = load_jet_network("jet_flavour", ["hidden=[8,6]", "n_features=5", "common_layers=1"])
    model = build_jet_adversarial(network, seed=2)
    batch = {"x": np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)}
    received = layer_inference(model, with_features=True)(batch)
    assert received["features"].shape == (9, 8)
    np.testing.assert_allclose(received["main_output"], model(batch)["main_output"], rtol=1e-6)
