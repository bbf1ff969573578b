"""Model files: what is refused, and how."""

import shutil
import zipfile

import keras
import numpy as np
import pytest
from network_batches import tiny_network

from TauAdv.errors import InputError
from TauAdv.io.checked_files import new_checked_file
from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.loading import load_model
from TauAdv.models.model_files import read_keras_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """File of a model of this package, and the model."""
    path = tmp_path_factory.mktemp("models") / "whole.keras"
    model = build_classifier(tiny_network(l2=1e-3))
    model.save(path)
    return path, model


def changed(source, target, change):
    """Copy the archive; ``change`` gets the content by name and returns the new one."""
    with zipfile.ZipFile(source) as archive:
        content = change({name: archive.read(name) for name in archive.namelist()})
    with zipfile.ZipFile(target, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return target


def test_model_comes_back(whole):
    path, model = whole
    for old, new in zip(model.get_weights(), read_keras_file(path).get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_cut_short(whole, tmp_path, share):
    content = whole[0].read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: int(share * len(content))])
    for read in (read_keras_file, load_model):
        with pytest.raises(InputError, match=r"cut\.keras: no \.keras file or one cut short.* received [\d,]+ bytes"):
            read(path)


def test_damaged(whole, tmp_path):
    content = bytearray(whole[0].read_bytes())
    with zipfile.ZipFile(whole[0]) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    content[start + 5000] ^= 0xFF
    (tmp_path / "damaged.keras").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged: the checksum of model\.weights\.h5 does not match"):
        read_keras_file(tmp_path / "damaged.keras")


def test_parts_missing_or_cut_within(whole, tmp_path):
    def without(name):
        return lambda content: {key: value for key, value in content.items() if key != name}

    for name in ("config.json", "model.weights.h5"):
        path = changed(whole[0], tmp_path / "part.keras", without(name))
        with pytest.raises(InputError, match=f"the archive has no {name}"):
            read_keras_file(path)
    half = {"config.json": "damaged", "model.weights.h5": "cannot|can be read safely"}
    for name, message in half.items():
        path = changed(whole[0], tmp_path / "half.keras", lambda content: {**content, name: content[name][:3000]})  # noqa: B023
        with pytest.raises(InputError, match=message):
            read_keras_file(path)


def test_code_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1, name="shift"), keras.layers.Dense(2)])
    model.save(tmp_path / "code.keras")
    for read in (read_keras_file, load_model):
        with pytest.raises(
            InputError, match=r"holds code of its own, which is never run: layer 'shift' \(a Python function\)"
        ):
            read(tmp_path / "code.keras")


class Unknown(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def test_layers_of_unknown_classes_are_listed(tmp_path):
    layers = [keras.Input((3,)), Unknown(name="one"), keras.layers.Dense(2, name="fine"), Unknown(name="two")]
    keras.Sequential(layers).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"layer 'one' \(class Unknown\), layer 'two' \(class Unknown\); rebuild"):
        read_keras_file(tmp_path / "other.keras")


def test_model_of_another_package(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="mine").save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"expected a TauAdv tagger.*, received a Sequential named 'mine'"):
        load_model(tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "config.json is no description of a model, but a list"),
        (b"{", r"damaged \("),
        (b"[" * 100_000, r"damaged \("),
        (b"\xff", r"damaged \("),
        (b'{"module": "keras", "class_name": "Functional"}', "not a .keras model that can be read safely"),
        (b'{"class_name": 3, "config": [{}]}', "not a .keras model that can be read safely"),
    ],
)
def test_damaged_description(whole, tmp_path, content, message):
    path = changed(whole[0], tmp_path / "model.keras", lambda files: files | {"config.json": content})
    with pytest.raises(InputError, match=rf"model\.keras: .*{message}") as raised:
        read_keras_file(path)
    assert "\n" not in str(raised.value)


def test_other_shapes(whole, tmp_path):
    def wider(files):
        return files | {"config.json": files["config.json"].replace(b'"units": 4,', b'"units": 5,')}

    path = changed(whole[0], tmp_path / "model.keras", wider)
    with pytest.raises(InputError, match=r"model\.keras: not a \.keras model that can be read safely") as raised:
        read_keras_file(path)
    assert "\n" not in str(raised.value)


def test_weights_changed_after_they_were_written(whole, tmp_path):
    """Of a file in a run the checksum is known: other weights in a whole archive are noticed, too."""
    with new_checked_file(tmp_path / "model.keras") as temporary:
        shutil.copyfile(whole[0], temporary)
    read_keras_file(tmp_path / "model.keras")
    with zipfile.ZipFile(whole[0]) as archive:
        weights = bytearray(archive.read("model.weights.h5"))
    weights[-40] ^= 1
    changed(whole[0], tmp_path / "model.keras", lambda files: files | {"model.weights.h5": bytes(weights)})
    with pytest.raises(InputError, match=r"model\.keras: damaged or replaced"):
        read_keras_file(tmp_path / "model.keras")


def test_other_formats_are_named_with_what_to_do(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "model.tf").mkdir()
    (tmp_path / "model.tf" / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "core.pb").write_bytes(b"x")
    for name, kind in (("model.h5", "a HDF5 file"), ("model.tf", "a SavedModel"), ("core.pb", "a frozen graph")):
        with pytest.raises(InputError, match=rf"{name}: expected a \.keras file, received {kind}.*tauadv import-cms"):
            read_keras_file(tmp_path / name)
    with pytest.raises(InputError, match=r"is a folder; expected a \.keras file"):
        read_keras_file(tmp_path)
