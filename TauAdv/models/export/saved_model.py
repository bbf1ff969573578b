"""TensorFlow's SavedModel as a format: needs neither Keras nor TauAdv to be read, and computes as predictions do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from TauAdv.models.comparison import Scores
from TauAdv.models.export.dense_inputs import dense_inputs, dense_shapes, sparse_inputs
from TauAdv.models.export.formats import Exported, Format
from TauAdv.models.export.tau_preprocessing import scaled_in_tensorflow

__all__ = ["DENSE", "OUTPUT", "SAVED_MODEL", "SPARSE"]

#: Signatures: the seven dense tensors of DeepTau, and the filled cells only.
DENSE, SPARSE = "serving_default", "sparse"
OUTPUT = "main_output"


def _write(exported: Exported, folder: Path) -> None:
    """Write a classifier of taus with the signatures ``serving_default`` and ``sparse``."""
    network, compute = exported.network, exported.compute
    sparse = exported.model.input_signature(network)
    dense = {name: tf.TensorSpec((None, *shape), tf.float32) for name, shape in dense_shapes(network).items()}

    @tf.function
    def from_sparse(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: compute(inputs)["main_output"]}

    @tf.function
    def from_dense(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        table = exported.preprocessing
        scaled = tensors if table is None else scaled_in_tensorflow(tensors, table, network)
        return {OUTPUT: compute(sparse_inputs(scaled, network))["main_output"]}

    signatures = {DENSE: _concrete(from_dense, dense)}
    if exported.preprocessing is None:
        signatures[SPARSE] = _concrete(from_sparse, sparse)
    module = tf.Module()
    # weights that are no constants of the graph
    module.weights = [weight for function in signatures.values() for weight in function.variables]
    tf.saved_model.save(module, str(_folder(exported, folder)), signatures=signatures)


def _concrete(function: Any, signature: dict[str, tf.TensorSpec]) -> Any:
    named = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in signature.items()}
    return function.get_concrete_function(**named)


def _execute(exported: Exported, folder: Path) -> dict[str, Scores]:
    loaded = tf.saved_model.load(str(_folder(exported, folder)))

    def compute(signature: str, inputs: Mapping[str, Any]) -> Any:
        return loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})[OUTPUT].numpy()

    if exported.preprocessing is not None:
        return {DENSE: lambda inputs: compute(DENSE, inputs)}
    return {
        DENSE: lambda inputs: compute(DENSE, dense_inputs(inputs, exported.network)),
        SPARSE: lambda inputs: compute(SPARSE, inputs),
    }


def _folder(exported: Exported, folder: Path) -> Path:
    return folder / exported.name


SAVED_MODEL = Format(_write, _execute, takes_preprocessing=True)
