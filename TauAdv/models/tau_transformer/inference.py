"""How the transformer is evaluated: its layers, on some taus at a time."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.conversion import dtype_of
from TauAdv.models.folded.chunks import apply_in_chunks
from TauAdv.models.inference import Inference, layers_for, output_names
from TauAdv.models.tagger import network_inputs
from TauAdv.models.tau_transformer.network import TauTransformer

__all__ = ["CHUNK", "chunked_inference"]

#: Taus evaluated together: their groups still differ in the number of cells, and memory stays small for any batch.
CHUNK = 512


def chunked_inference(
    model: TauTransformer, *, with_features: bool = False, with_adversarial_head: bool = True, chunk: int = CHUNK
) -> Inference:
    """Return a compiled function from network inputs to outputs by name, traced once for all numbers of taus and cells.

    It gives what ``model(inputs, training=False)`` gives within float32 rounding: a tau does not know with which others it
    is evaluated.

    Args:
        model: tagger, with or without adversarial head.
        with_features: also give the common features that the heads see, as ``features``.
        with_adversarial_head: give ``adv_output`` if the model has the head.
        chunk: taus computed together.
    """
    names = output_names(model, with_features=with_features, with_adversarial_head=with_adversarial_head)
    layers, grids = layers_for(model, names), list(model.network.grids)
    dtype = keras.dtype_policies.get(dtype_of(model)).variable_dtype

    def compute_chunk(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return layers(inputs, training=False)

    @tf.function(input_signature=[model.input_signature(model.network, dtype)], autograph=False)
    def compute(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return apply_in_chunks(compute_chunk, inputs, grids=grids, outputs=names, size=chunk)

    def evaluate(batch: Any) -> dict[str, tf.Tensor]:
        return compute({name: tf.convert_to_tensor(value) for name, value in network_inputs(batch).items()})

    return evaluate
