"""How a tagger is evaluated when predictions are made: by default, with its Keras layers as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.conversion import dtype_of
from TauAdv.models.tagger import Tagger, network_inputs

__all__ = ["FEATURES", "Inference", "layer_inference", "layers_for", "output_names"]

#: From a batch to the outputs by name.
Inference = Callable[[Mapping[str, Any]], dict[str, tf.Tensor]]
#: Name of the output that holds the common features [n, ...].
FEATURES = "features"


def output_names(model: Tagger, *, with_features: bool, with_adversarial_head: bool) -> list[str]:
    """Return the outputs that inference gives of a model, with or without what is asked for."""
    names = ["main_output"]
    names += ["adv_output"] if with_adversarial_head and model.is_adversarial else []
    return names + ([FEATURES] if with_features else [])


def layers_for(model: Tagger, names: Sequence[str]) -> keras.Model:
    """Return the layers of a model, with its weights, that give the outputs of these names."""
    found = dict(model.output) if model.is_adversarial else {"main_output": model.output}
    found[FEATURES] = model.get_layer(model.features_layer).output
    return keras.Model(model.input, {name: found[name] for name in names})


def layer_inference(model: Tagger, *, with_features: bool = False, with_adversarial_head: bool = True) -> Inference:
    """Return a compiled function from network inputs to outputs by name, traced once for all numbers of rows.

    Args:
        model: tagger, with or without adversarial head.
        with_features: also give the common features that the heads see, as ``features``.
        with_adversarial_head: give ``adv_output`` if the model has the head.

    Returns:
        Function whose argument is a batch (entries that the network does not read are ignored) and whose result holds
        ``main_output`` [n, classes] and, where asked for, ``adv_output`` [n, 1] and ``features`` [n, ...].
    """
    names = output_names(model, with_features=with_features, with_adversarial_head=with_adversarial_head)
    layers = layers_for(model, names)
    dtype = keras.dtype_policies.get(dtype_of(model)).variable_dtype

    @tf.function(input_signature=[model.input_signature(model.network, dtype)], autograph=False)
    def compute(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return layers(inputs, training=False)

    return lambda batch: compute({name: tf.convert_to_tensor(value) for name, value in network_inputs(batch).items()})
