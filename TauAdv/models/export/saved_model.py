"""A classifier as a TensorFlow SavedModel: needs neither Keras nor TauAdv to be read, and computes as predictions do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.export.dense_inputs import dense_shapes, sparse_inputs
from TauAdv.models.folded.inference import folded_inference

__all__ = ["DENSE", "OUTPUT", "SPARSE", "write_saved_model"]

#: Signatures: the seven dense tensors of DeepTau, and the filled cells only.
DENSE, SPARSE = "serving_default", "sparse"
OUTPUT = "main_output"


def write_saved_model(model: TauTagger, folder: Path) -> None:
    """Write a classifier as a SavedModel with the signatures ``serving_default`` and ``sparse``."""
    network = model.network
    sparse, compute = model.input_signature(network), folded_inference(model, with_adversarial_head=False)
    dense = {name: tf.TensorSpec((None, *shape), tf.float32) for name, shape in dense_shapes(network).items()}

    @tf.function
    def from_sparse(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: compute(inputs)["main_output"]}

    @tf.function
    def from_dense(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT: compute(sparse_inputs(tensors, network))["main_output"]}

    signatures = {DENSE: _concrete(from_dense, dense), SPARSE: _concrete(from_sparse, sparse)}
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)


def _concrete(function: Any, signature: dict[str, tf.TensorSpec]) -> Any:
    named = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in signature.items()}
    return function.get_concrete_function(**named)
