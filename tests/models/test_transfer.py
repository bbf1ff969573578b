import keras
import numpy as np
import pytest
from network_batches import randomise, tiny_network

from TauAdv.errors import InputError
from TauAdv.models.deeptau.network import build_adversarial, build_classifier
from TauAdv.models.transfer import copy_weights_by_name

pytestmark = pytest.mark.slow


def test_common_layers_are_copied_and_the_rest_is_named():
    source, target = build_classifier(tiny_network(), seed=1), build_adversarial(tiny_network(), seed=2)
    randomise(source)
    head = [value.copy() for value in target.get_layer("final_adv_dense_1").get_weights()]
    report = copy_weights_by_name(source, target)
    assert set(report.copied) == {layer.name for layer in source.layers if layer.weights}
    assert set(report.missing) == {layer.name for layer in target.layers if layer.weights and "_adv" in layer.name}
    assert report.mismatched == report.unused == ()
    for name in report.copied:
        for copied, original in zip(target.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(copied, original)
    for kept, before in zip(target.get_layer("final_adv_dense_1").get_weights(), head, strict=True):
        np.testing.assert_array_equal(kept, before)
    assert "final_dense_adv" in str(report)
    assert copy_weights_by_name(target, source).unused == report.missing


def test_other_shapes_are_listed_and_left():
    source = build_classifier(tiny_network(), seed=1)
    target = build_classifier(tiny_network(class_head={"widths": [9, 8]}), seed=2)
    before = target.get_layer("final_dense_1").kernel.numpy()
    report = copy_weights_by_name(source, target)
    assert [text.split(":")[0] for text in report.mismatched] == [
        "final_dense_1",
        "final_norm_1",
        "final_activation_1",
        "final_dense_2",
    ]
    assert "expected kernel (9, 8), bias (8,), received kernel (8, 8), bias (8,)" in report.mismatched[-1]
    np.testing.assert_array_equal(target.get_layer("final_dense_1").kernel, before)


def test_required_shapes_refuse_before_copying():
    source = build_classifier(tiny_network(), seed=1)
    target = build_classifier(tiny_network(class_head={"widths": [9, 8]}), seed=2)
    before = target.get_weights()
    with pytest.raises(InputError, match=r"(?s)do not fit.*final_dense_1.*final_dense_2"):
        copy_weights_by_name(source, target, require_shapes=True)
    for value, old in zip(target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_a_network_of_another_family_is_refused():
    inputs = keras.Input((2,))
    other = keras.Model(inputs, keras.layers.Dense(1, name="other")(inputs), name="stranger")
    with pytest.raises(InputError, match="'stranger' has no layer in common"):
        copy_weights_by_name(other, build_classifier(tiny_network()))
