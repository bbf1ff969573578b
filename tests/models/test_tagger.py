import zipfile

import keras
import numpy as np
import pytest
from network_batches import paired_batch, random_inputs, randomise, tiny_network

from TauAdv.errors import InputError
from TauAdv.models.deeptau.network import build_adversarial, build_classifier
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.models.loading import load_model
from TauAdv.models.tagger import inference_function, network_inputs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("build", [build_classifier, build_adversarial])
@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_saved_model_predicts_the_same_bits(build, mode, tmp_path):
    model = build(tiny_network(grid_mode=mode, dropout=0.2))
    randomise(model)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.network == model.network
    assert loaded.is_adversarial == model.is_adversarial
    inputs = random_inputs(model.network, 5)
    expected, received = inference_function(model)(inputs), inference_function(loaded)(inputs)
    outputs = expected.keys() if model.is_adversarial else [None]
    for name in outputs:
        first, second = (value[name] if name else value for value in (expected, received))
        np.testing.assert_array_equal(second, first)


def test_gradient_scales_are_saved(tmp_path):
    model = build_adversarial(tiny_network())
    set_gradient_scales(model, 0.25, 6.0)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert float(loaded.get_layer("class_gradient").scale) == 0.25
    assert float(loaded.get_layer("adv_gradient").scale) == 6.0


def test_network_inputs_leaves_labels_out():
    batch = paired_batch(tiny_network(), 3, 2)
    assert set(network_inputs(batch)) == {"tau", "inner_index", "inner_cells", "outer_index", "outer_cells"}


def test_missing_truncated_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such model file"):
        load_model(tmp_path / "absent.keras")
    model = build_classifier(tiny_network())
    model.save(tmp_path / "model.keras")
    content = (tmp_path / "model.keras").read_bytes()
    (tmp_path / "truncated.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"truncated.keras: no .keras file or one cut short"):
        load_model(tmp_path / "truncated.keras")
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(1)(inputs), name="other").save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="expected a TauAdv tagger"):
        load_model(tmp_path / "other.keras")


def test_code_in_a_model_file_is_not_run(tmp_path):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs)).save(tmp_path / "lambda.keras")
    with pytest.raises(InputError, match="code of its own, which is never run"):
        load_model(tmp_path / "lambda.keras")


def test_saved_configuration_holds_the_network(tmp_path):
    model = build_classifier(tiny_network())
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert '"network_settings"' in archive.read("config.json").decode()
