"""The way taggers are run at inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.adversarial import adversarial_head
from TauAdv.models.conversion import dtype_of
from TauAdv.models.folded.chunks import apply_in_chunks
from TauAdv.models.folded.network import FoldedNetwork
from TauAdv.models.folded.weights import FoldedWeights
from TauAdv.models.tagger import TauTagger, input_signature, network_inputs

__all__ = ["CHUNK", "FEATURES", "folded_inference"]

#: Name of the output that holds the common features [n, ...].
FEATURES = "features"
#: Taus computed together: measured fastest for deeptau_v2p5, flat within a factor of two.
CHUNK = 64


def folded_inference(
    model: TauTagger, *, with_features: bool = False, with_adversarial_head: bool = True, chunk: int = CHUNK
) -> Callable[[Mapping[str, Any]], dict[str, tf.Tensor]]:
    """Return a compiled function from network inputs to outputs by name, traced once for all batch and cell counts.

    It gives what ``model(inputs, training=False)`` gives within float32 rounding, several times faster: batch normalisation
    is folded into the weights, filled cells alone are computed, and the first convolution of a grid adds what they change.
    Layers, weights and number type are those of the model in either grid mode (of a mixed precision policy the variables'),
    with the weights as they are now: a model that is trained further needs a new function.

    Args:
        model: tagger, with or without adversarial head.
        with_features: also give the common features that the heads see, as ``features``.
        with_adversarial_head: give ``adv_output`` if the model has the head.
        chunk: taus computed together; more need more memory, results are the same.

    Returns:
        Function whose argument is a batch (entries that the network does not read are ignored) and whose result holds
        ``main_output`` [n, classes] and, where asked for, ``adv_output`` [n, 1] and ``features`` [n, ...].
    """
    dtype = keras.dtype_policies.get(dtype_of(model)).variable_dtype
    network = FoldedNetwork(model.network, dtype, seed=0, weights=FoldedWeights(model, dtype))
    outputs = ["main_output"]
    outputs += ["adv_output"] if with_adversarial_head and model.is_adversarial else []
    outputs += [FEATURES] if with_features else []

    def compute_chunk(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        found = {FEATURES: network.common_features(inputs)}
        found["main_output"] = network.class_head(found[FEATURES])
        if "adv_output" in outputs:
            found["adv_output"] = adversarial_head(network, found[FEATURES])
        return found

    @tf.function(input_signature=[input_signature(model.network, dtype)], autograph=False)
    def compute(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return apply_in_chunks(compute_chunk, inputs, grids=list(model.network.grids), outputs=outputs, size=chunk)

    return lambda batch: compute({name: tf.convert_to_tensor(value) for name, value in network_inputs(batch).items()})
