"""The way taggers are run at inference."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from TauAdv.models.conversion import dtype_of
from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.folded.chunks import apply_in_chunks
from TauAdv.models.folded.network import FoldedNetwork
from TauAdv.models.folded.weights import FoldedWeights
from TauAdv.models.inference import FEATURES, Inference, output_names
from TauAdv.models.tagger import network_inputs

__all__ = ["FEATURES", "folded_inference", "taus_per_chunk"]

#: Bytes of the largest grid of a chunk (64 taus of deeptau_v2p5): some are faster than many, which leave the cache.
CHUNK_BYTES = 6_000_000
LARGEST_CHUNK = 1000


def folded_inference(
    model: TauTagger, *, with_features: bool = False, with_adversarial_head: bool = True, chunk: int | None = None
) -> Inference:
    """Return a compiled function from network inputs to outputs by name, traced once for all batch and cell counts.

    It gives what ``model(inputs, training=False)`` gives within float32 rounding, several times faster: batch normalisation
    is folded into the weights, filled cells alone are computed, and the first convolution of a grid adds what they change.
    Layers, weights and number type are those of the model in either grid mode (of a mixed precision policy the variables'),
    with the weights as they are now: a model that is trained further needs a new function.

    Args:
        model: tagger, with or without adversarial head.
        with_features: also give the common features that the heads see, as ``features``.
        with_adversarial_head: give ``adv_output`` if the model has the head.
        chunk: taus computed together; without it, as many as fit into the processor's cache. It does not change the results
            beyond float32 rounding.

    Returns:
        Function whose argument is a batch (entries that the network does not read are ignored) and whose result holds
        ``main_output`` [n, classes] and, where asked for, ``adv_output`` [n, 1] and ``features`` [n, ...].
    """
    dtype = keras.dtype_policies.get(dtype_of(model)).variable_dtype
    network = FoldedNetwork(model.network, dtype, seed=0, weights=FoldedWeights(model, dtype))
    size = chunk or taus_per_chunk(model.network, np.dtype(dtype).itemsize)
    outputs = output_names(model, with_features=with_features, with_adversarial_head=with_adversarial_head)

    def compute_chunk(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        found = {FEATURES: network.common_features(inputs)}
        found["main_output"] = network.class_head(found[FEATURES])
        if "adv_output" in outputs:
            found["adv_output"] = network.adversarial_head(found[FEATURES])
        return found

    @tf.function(input_signature=[model.input_signature(model.network, dtype)], autograph=False)
    def compute(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return apply_in_chunks(compute_chunk, inputs, grids=list(model.network.grids), outputs=outputs, size=size)

    return lambda batch: compute({name: tf.convert_to_tensor(value) for name, value in network_inputs(batch).items()})


def taus_per_chunk(network: NetworkSettings, itemsize: int) -> int:
    """Return how many taus to compute together, from the largest grid that a tau has after a convolution.

    Args:
        network: settings.
        itemsize: bytes of a number.
    """
    largest = 1
    for grid in network.grids.values():
        size = grid.n_cells
        for layer in grid.convolutions(network.merge_widths()[-1]):
            size = (size - layer.kernel) // layer.stride + 1
            largest = max(largest, size**2 * layer.width)
    return min(LARGEST_CHUNK, max(1, CHUNK_BYTES // (largest * itemsize)))
