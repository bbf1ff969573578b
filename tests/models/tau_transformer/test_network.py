"""The transformer over cells: what it computes, and what must not matter to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_batches import random_inputs, take_taus
from transformer_networks import SMALL, reference_scores, small_transformer

from TauAdv.errors import ConfigError
from TauAdv.models.conversion import class_part
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.models.tau_transformer.network import TauTransformer
from TauAdv.models.tau_transformer.settings import TransformerSettings, load_transformer
from TauAdv.models.tau_transformer.tokens import TokenGroup, TokenGroupMask
from TauAdv.models.transfer import copy_weights_by_name
from TauAdv.taggers.registry import read_tagger

pytestmark = pytest.mark.slow

BUSY = {"inner": 12.0, "outer": 20.0}


@pytest.fixture(scope="module")
def model():
    return small_transformer()


@pytest.fixture(scope="module")
def inputs(model):
    return random_inputs(model.network, 11, seed=4)


def close(found, expected, tolerance=2e-6):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("filled", [None, BUSY, {"inner": 0, "outer": 0}, {"inner": 0, "outer": 2}])
def test_scores_are_those_of_the_definition(model, filled):
    inputs = random_inputs(model.network, 9, seed=2, filled=filled)
    close(model(inputs, training=False), reference_scores(model, inputs))


def test_double_precision_agrees_further():
    model = small_transformer(dtype="float64", heads=1, width=4)  # its scale is a power of two
    inputs = random_inputs(model.network, 5, seed=8)
    inputs = {name: x.astype("f8") if x.dtype == np.float32 else x for name, x in inputs.items()}
    close(model(inputs, training=False), reference_scores(model, inputs), 1e-9)


def test_the_order_of_cells_does_not_matter(model, inputs):
    generator, shuffled = np.random.default_rng(3), dict(inputs)
    for grid in model.network.grids:
        order = generator.permutation(len(inputs[f"{grid}_index"]))  # also mixes the cells of different taus
        shuffled |= {f"{grid}_{part}": inputs[f"{grid}_{part}"][order] for part in ("index", "cells")}
    close(model(shuffled, training=False), model(inputs, training=False))


def test_the_position_of_a_cell_matters(model, inputs):
    moved = {**inputs, "outer_index": (inputs["outer_index"] + [0, 1, 0]) % [100, 7, 7]}
    assert np.abs(model(moved, training=False) - model(inputs, training=False)).max() > 1e-3


@pytest.mark.parametrize("rows", [[3], [7, 2], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]])
def test_other_taus_of_the_batch_do_not_matter(model, inputs, rows):
    alone = take_taus({name: tf.constant(values) for name, values in inputs.items()}, rows)
    close(model(alone, training=False), model(inputs, training=False).numpy()[rows])


def test_no_gradient_passes_between_taus(model, inputs):
    batch = {name: tf.constant(values) for name, values in inputs.items()}
    floats = [name for name in batch if batch[name].dtype == tf.float32]
    with tf.GradientTape() as tape:
        tape.watch([batch[name] for name in floats])
        score = model(batch, training=False)[4, 2]
    for name, gradient in zip(floats, tape.gradient(score, [batch[name] for name in floats]), strict=True):
        own = np.arange(11) == 4 if name == "tau" else inputs[name.replace("cells", "index")][:, 0] == 4
        assert np.any(gradient.numpy()[own])
        assert not np.any(gradient.numpy()[~own])


@pytest.mark.parametrize("value", [-30.0, 1e4])
def test_what_is_padded_has_no_influence(model, inputs, value, monkeypatch):
    expected = model(inputs, training=False)
    plain = TokenGroup.call

    def disturbed(layer, given):
        own, _, *indices = given
        there = TokenGroupMask(layer.n_groups, layer.number)([own, *indices])[:, 0, :, None]
        assert not np.all(there)
        return tf.where(there, plain(layer, given), value)

    monkeypatch.setattr(TokenGroup, "call", disturbed)
    np.testing.assert_array_equal(model(inputs, training=False), expected)


@pytest.mark.parametrize("groups", [1, 5])
def test_groups_do_not_matter(model, inputs, groups):
    other = TauTransformer.classifier(TransformerSettings.model_validate({**SMALL, "groups": groups}))
    copy_weights_by_name(model, other, require_shapes=True)
    close(other(inputs, training=False), model(inputs, training=False))


def test_one_grid_is_enough():
    model = small_transformer(grids={"outer": {"n_cells": 7}})
    inputs = random_inputs(model.network, 6, seed=5)
    close(model(inputs, training=False), reference_scores(model, inputs))


def test_files_are_read_safely(inputs, tmp_path):
    model = small_transformer(adversarial=True, dtype="mixed_bfloat16")
    outputs = model(inputs, training=False)
    assert {name: values.dtype for name, values in outputs.items()} == dict.fromkeys(outputs, tf.float32)
    model.save(tmp_path / "model.keras")
    loaded = read_tagger(tmp_path / "model.keras")
    assert isinstance(loaded, TauTransformer)
    assert loaded.network == model.network
    assert loaded.is_adversarial
    close(loaded(inputs, training=False)["adv_output"], outputs["adv_output"], 0.05)  # in float32 now
    close(class_part(loaded)(inputs, training=False), reference_scores(class_part(loaded), inputs))


def test_common_layers_receive_opposed_gradients(inputs):
    model = small_transformer(adversarial=True)
    labels = np.eye(4, dtype="f4")[np.arange(11) % 4]

    def gradient(k1, k2):
        set_gradient_scales(model, k1, k2)
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=False)
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(labels, outputs["main_output"]))
            loss += tf.reduce_mean(outputs["adv_output"])
        return tape.gradient(loss, model.get_layer("attention_1").trainable_variables[0]).numpy()

    of_class, of_adversary = gradient(1, 0), gradient(0, 1)
    assert np.any(of_class)
    assert np.any(of_adversary)
    np.testing.assert_allclose(gradient(2, 3), 2 * of_class + 3 * of_adversary, rtol=1e-4, atol=1e-8)


def test_demo_network_is_small():
    network = load_transformer("tau_transformer_demo")
    assert TauTransformer.classifier(network).count_params() == 80_964
    assert TauTransformer.adversarial(network).count_params() < 150_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["width=30"], "width 30 is no multiple of the 4 heads"),
        (["grids.middle={n_cells: 3}"], "grids"),
        (["layer=3"], "did you mean 'layers'"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_transformer("tau_transformer_demo", changes)


def test_networks_of_other_taggers_are_not_known():
    with pytest.raises(ConfigError, match=r"network 'deeptau_demo' does not come with TauAdv.*known: tau_transformer_demo"):
        load_transformer("deeptau_demo")
