"""DeepTau with an adversarial head that tells data from simulation, attached through gradient reversal."""

from __future__ import annotations

from typing import Any

import keras

from TauAdv.models.deeptau import NetworkBuilder
from TauAdv.models.gradient_reversal import GradientReversal, GradientScaling
from TauAdv.models.settings import NetworkSettings
from TauAdv.models.tagger import TauTagger, make_tagger

__all__ = ["ADVERSARIAL_GRADIENT", "CLASS_GRADIENT", "adversarial_head", "build_adversarial", "set_gradient_scales"]

CLASS_GRADIENT, ADVERSARIAL_GRADIENT = "class_gradient", "adv_gradient"


def build_adversarial(
    network: NetworkSettings, *, dtype: str = "float32", seed: int = 0, k1: float = 1.0, k2: float = 10.0
) -> TauTagger:
    """Return the network with its class head and an adversarial head on the same common features.

    In one backward pass of L_class + L_adv the common layers receive k1 dL_class - k2 dL_adv, each head the plain gradient
    of its own loss (DeepTau specification, section H).

    Args:
        network: settings.
        dtype: Keras dtype policy.
        seed: of the initial weights and of dropout.
        k1: factor of the class gradient on the common layers.
        k2: factor of the reversed adversarial gradient on the common layers.

    Returns:
        Model with the inputs of the classifier and the outputs ``main_output`` [n, classes] and ``adv_output`` [n, 1], the
        probability to be data.
    """
    builder = NetworkBuilder(network, dtype, seed)
    inputs = builder.inputs()
    features = builder.common_features(inputs)
    for_class = GradientScaling(k1, name=CLASS_GRADIENT, dtype=dtype)(features)
    for_adversary = GradientReversal(k2, name=ADVERSARIAL_GRADIENT, dtype=dtype)(features)
    outputs = {"main_output": builder.class_head(for_class), "adv_output": adversarial_head(builder, for_adversary)}
    return make_tagger(inputs, outputs, network)


def set_gradient_scales(model: TauTagger, k1: float, k2: float) -> None:
    """Set the factors of the two gradients on the common layers; compiled training functions follow."""
    model.get_layer(CLASS_GRADIENT).scale = k1
    model.get_layer(ADVERSARIAL_GRADIENT).scale = k2


def adversarial_head(builder: NetworkBuilder, features: Any) -> Any:
    """Return the probability [n, 1] to be data, from common features [n, ...]."""
    x = builder.dense_block("final_adv", features, builder.network.adversarial_head.widths)
    x = builder.logits("final_dense_adv", 1)(x)
    return keras.layers.Activation("sigmoid", name="adv_output", dtype=builder.output_dtype)(x)
