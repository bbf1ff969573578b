"""The formats that a jet-flavour classifier can be written in, with or without the preprocessing of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.jets.features import JetFeatures
from TauAdv.models.comparison import Inputs, Scores
from TauAdv.models.export.formats import Exported, Format

__all__ = ["JET_FORMATS", "OUTPUT", "SCALED", "VALUES"]

#: Inputs: scaled as in shards, or physical values, where what is absent is NaN.
SCALED, VALUES = "x", "values"
OUTPUT = "main_output"
_SIGNATURE = "serving_default"


def _input_name(exported: Exported) -> str:
    return SCALED if exported.preprocessing is None else VALUES


def _scaled(values: tf.Tensor, features: JetFeatures) -> tf.Tensor:
    """Return physical values float32 [n, f] cleaned and scaled, step by step as shards are made."""
    present = (values > _floor(features)) & (values < np.inf)
    cleaned = tf.cast(tf.where(present, values, features.default.astype(np.float32)), tf.float64)
    scaled = tf.cast((cleaned - features.mean) / features.std, tf.float32)
    return tf.where(present, scaled, tf.zeros_like(scaled)) if features.defaults_to_zero else scaled


def _floor(features: JetFeatures) -> NDArray[np.float32]:
    """Return what values are above that are not absent [f], see :func:`TauAdv.jets.cleaning.is_default`."""
    return features.default.astype(np.float32)


def _write_saved_model(exported: Exported, folder: Path) -> None:
    name, features = _input_name(exported), exported.preprocessing

    @tf.function(input_signature=[tf.TensorSpec((None, exported.network.n_features), tf.float32, name=name)])
    def scores(x: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = x if features is None else _scaled(x, features)
        return {OUTPUT: exported.compute({SCALED: scaled})["main_output"]}

    function = scores.get_concrete_function()
    module = tf.Module()
    module.weights = list(function.variables)
    tf.saved_model.save(module, str(folder / exported.name), signatures={_SIGNATURE: function})


def _execute_saved_model(exported: Exported, folder: Path) -> dict[str, Scores]:
    loaded, name = tf.saved_model.load(str(folder / exported.name)), _input_name(exported)
    signature = loaded.signatures[_SIGNATURE]

    def scores(inputs: Inputs) -> NDArray[Any]:
        return signature(**{name: tf.constant(inputs[name], tf.float32)})[OUTPUT].numpy()

    scores.loaded = loaded  # type: ignore[attr-defined]  # which keeps the variables
    return {_SIGNATURE: scores}


def _onnx_model(exported: Exported, dtype: type[np.floating]) -> Any:
    from TauAdv.models.export.onnx_writer import OnnxWriter

    writer, network = OnnxWriter(dtype), exported.network
    x = writer.input(_input_name(exported), "n_jets", network.n_features)
    if exported.preprocessing is not None:
        x = _add_scaling(writer, x, exported.preprocessing)
    for number in range(1, len(network.hidden) + 1):
        layer = f"{'dense' if number <= network.common_layers else 'final_dense'}_{number}"
        x = writer.node("Relu", f"{layer}_relu", _add_layer(writer, exported, layer, x))
    output = writer.node("Softmax", OUTPUT, _add_layer(writer, exported, "final_dense_last", x), axis=1)
    return writer.finish(network.name, output, ("n_jets", network.n_classes), exported.metadata)


def _add_layer(writer: Any, exported: Exported, layer: str, x: str) -> str:
    constants = (writer.constant(f"{layer}/{name}", exported.weights[layer][name]) for name in ("kernel", "bias"))
    return writer.node("Gemm", layer, x, *constants)


def _add_scaling(writer: Any, values: str, features: JetFeatures) -> str:
    """Add the steps of :func:`_scaled`."""
    from onnx import TensorProto

    above = writer.node("Greater", "above_default", values, writer.constant("floor", _floor(features)))
    finite = writer.node("Less", "finite", values, writer.constant("infinity", [np.inf]))
    present = writer.node("And", "present", above, finite)
    default = writer.constant("default", features.default.astype(np.float32))
    cleaned = writer.node("Cast", "cleaned", writer.node("Where", "filled", present, values, default), to=TensorProto.DOUBLE)
    centred = writer.node("Sub", "centred", cleaned, writer.constant("mean", features.mean, np.float64))
    divided = writer.node("Div", "divided", centred, writer.constant("std", features.std, np.float64))
    scaled = writer.node("Cast", "scaled", divided, to=TensorProto.FLOAT)
    if writer.dtype is np.float64:
        scaled = writer.node("Cast", "scaled_in_double", scaled, to=TensorProto.DOUBLE)
    return writer.node("Where", "x", present, scaled, writer.constant("zero", [0])) if features.defaults_to_zero else scaled


def _write_onnx(exported: Exported, folder: Path) -> None:
    try:
        model = _onnx_model(exported, np.float32)
    except ImportError as error:
        raise InputError(_missing(error)) from error
    _onnx_file(exported, folder).write_bytes(model.SerializeToString())


def _execute_onnx(exported: Exported, folder: Path) -> dict[str, Scores]:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(_missing(error)) from error
    session = onnxruntime.InferenceSession(_onnx_file(exported, folder), providers=["CPUExecutionProvider"])
    name = _input_name(exported)
    return {"onnxruntime": lambda inputs: session.run(None, {name: inputs[name]})[0]}


def _execute_onnx_in_double(exported: Exported, folder: Path) -> Scores:
    """Return the scores of the same graph, written in double precision, by the reference implementation of ONNX."""
    from onnx.reference import ReferenceEvaluator

    session, name = ReferenceEvaluator(_onnx_model(exported, np.float64)), _input_name(exported)

    def scores(inputs: Inputs) -> NDArray[Any]:
        (found,) = list(session.run(None, {name: inputs[name].astype(np.float64)}))
        return found

    return scores


def _onnx_file(exported: Exported, folder: Path) -> Path:
    return folder / f"{exported.name}.onnx"


def _missing(error: ImportError) -> str:
    return f"the format onnx needs the packages onnx and onnxruntime ({error}): pip install -e '.[export]'"


JET_FORMATS: Mapping[str, Format] = {
    "onnx": Format(_write_onnx, _execute_onnx, _execute_onnx_in_double, takes_preprocessing=True),
    "savedmodel": Format(_write_saved_model, _execute_saved_model, takes_preprocessing=True),
}
