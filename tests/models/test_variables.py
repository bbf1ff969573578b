"""Names of weights, also of layers within layers."""

import keras
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.models.transfer import copy_weights_by_name
from TauAdv.models.variables import named_weights


def attention(key_dim=2):
    x = keras.Input((None, 6))
    return keras.Model(x, keras.layers.MultiHeadAttention(3, key_dim, name="attention_1")(x, x), name="small")


def test_weights_of_inner_layers_have_names_of_their_own():
    layer = attention().get_layer("attention_1")
    names = {f"{part}/{role}" for part in ("query", "key", "value", "attention_output") for role in ("kernel", "bias")}
    assert named_weights(layer).keys() == names
    assert named_weights(layer)["key/kernel"] is layer.key_dense.kernel
    dense = keras.layers.Dense(2, name="dense")
    dense.build((None, 3))
    assert list(named_weights(dense)) == ["kernel", "bias"]


def test_names_are_kept_by_files(tmp_path):
    model = attention()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for name, weight in named_weights(loaded.get_layer("attention_1")).items():
        np.testing.assert_array_equal(weight, named_weights(model.get_layer("attention_1"))[name])


def test_other_shapes_of_inner_layers_are_named():
    with pytest.raises(InputError, match=r"attention_1: .*query/kernel \(6, 3, 2\).*received query/kernel \(6, 3, 4"):
        copy_weights_by_name(attention(4), attention(), require_shapes=True)
