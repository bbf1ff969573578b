"""What of the memory of a training can be counted before it: weights, gradients, optimiser states, outputs of the layers.

What the compiled step and the rows read ahead take besides is not known before; the metric ``system/memory_mb`` shows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from TauAdv.models.tagger import network_inputs
from TauAdv.training.run.inputs import Inputs

__all__ = ["CountedMemory", "counted_memory", "output_bytes"]

_STATES = 4  # a trainable weight, its gradient, and the two moments of Nadam and Adam
_SAMPLE = 50  # rows that are evaluated: the outputs of a batch are in proportion to its rows


@dataclass(frozen=True)
class CountedMemory:
    """Bytes of a training that are known before it.

    Attributes:
        weights: weights, gradients and optimiser states.
        outputs: outputs of all layers for one batch, of which a step keeps most until their gradients are known.
    """

    weights: float
    outputs: float

    def __str__(self) -> str:
        weights, outputs = (f"{size / 1e6:,.1f} MB" for size in (self.weights, self.outputs))
        counted = f"weights, gradients and optimisers {weights}, outputs of all layers for one batch {outputs}"
        return f"{counted}; the rest is not known before: see the metric system/memory_mb of a short training"


def counted_memory(model: Any, inputs: Inputs) -> CountedMemory:
    """Return what training the model on the inputs takes, as far as it can be counted.

    Args:
        model: to be trained.
        inputs: batch sizes and sets.
    """
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    fixed = model.count_params() - trainable
    width = np.dtype(model.layers[-1].variable_dtype).itemsize
    outputs = 0.0
    for role, size in zip(("training", "adversarial training"), inputs.batch_sizes.values(), strict=False):
        rows, _ = inputs.sets[role].take(np.arange(min(size, inputs.sets[role].num_rows, _SAMPLE)))
        outputs += output_bytes(model, network_inputs(rows.as_inputs())) * size / len(rows)
    return CountedMemory(weights=(_STATES * trainable + fixed) * width, outputs=outputs)


def output_bytes(model: Any, inputs: Any) -> int:
    """Return the bytes of the outputs of all layers of a network.

    Args:
        model: of Keras' functional kind.
        inputs: by name.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    every = keras.Model(model.input, [layer.output for layer in layers])
    found = tf.nest.flatten(every({name: tf.convert_to_tensor(value) for name, value in inputs.items()}, training=False))
    return sum(math.prod(value.shape) * value.dtype.size for value in found)
