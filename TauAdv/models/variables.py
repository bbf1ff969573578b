"""The trainable variables of a tagger by the part of the network that they belong to."""

from __future__ import annotations

import keras

__all__ = ["adversarial_head_variables", "class_head_variables", "common_variables", "named_weights", "part_of_layer"]


def part_of_layer(name: str) -> str:
    """Return ``common``, ``class_head`` or ``adversarial_head`` for the name of a layer."""
    if name.startswith("final_adv") or name == "final_dense_adv":
        return "adversarial_head"
    return "class_head" if name.startswith("final_") else "common"


def common_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the trainable variables of the layers before the heads."""
    return _variables(model, "common")


def class_head_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the trainable variables of the class head."""
    return _variables(model, "class_head")


def adversarial_head_variables(model: keras.Model) -> list[keras.Variable]:
    """Return the trainable variables of the adversarial head; none for a plain classifier."""
    return _variables(model, "adversarial_head")


def named_weights(layer: keras.layers.Layer) -> dict[str, keras.Variable]:
    """Return the weights of a layer by name: ``kernel``; of a layer within it (of an attention), ``query/kernel``."""
    return {weight.path.rpartition(f"{layer.name}/")[2]: weight for weight in layer.weights}


def _variables(model: keras.Model, part: str) -> list[keras.Variable]:
    return [v for layer in model.layers if part_of_layer(layer.name) == part for v in layer.trainable_variables]
