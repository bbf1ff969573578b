"""The jet-flavour network: fully connected, one input tensor, with or without an adversarial head on its first layers.

(arXiv:2203.13890.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.jet_flavour.settings import JetNetworkSettings
from TauAdv.models.tagger import Tagger

__all__ = ["LOGITS_LAYER", "JetTagger", "build_jet_adversarial", "build_jet_classifier", "logits_model"]

LOGITS_LAYER = "final_dense_last"


@keras.saving.register_keras_serializable(package="TauAdv")
class JetTagger(Tagger):
    """The jet-flavour network: one input ``x`` [n, features]."""

    settings_type = JetNetworkSettings
    features_layer = "common_features"
    objects = "jets"
    scores_are_logits = True

    @classmethod
    def parts(cls, network: JetNetworkSettings, dtype: str, seed: int) -> _JetNetworkBuilder:
        """Return the parts of the network."""
        return _JetNetworkBuilder(network, dtype, seed)

    @classmethod
    def input_signature(cls, network: JetNetworkSettings, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
        """Return shape and type of the input, its length open: one traced function serves every batch."""
        return {"x": tf.TensorSpec((None, network.n_features), dtype)}

    def scoring_model(self) -> keras.Model:
        """Return the same network (same weights) with logits; see :func:`logits_model`."""
        return logits_model(self)


def build_jet_classifier(network: JetNetworkSettings, *, dtype: str = "float32", seed: int = 0) -> JetTagger:
    """Return the network with its class head.

    Args:
        network: settings, for example of :func:`TauAdv.models.jet_flavour.settings.load_jet_network`.
        dtype: Keras dtype policy, for example ``float32`` or ``float64``.
        seed: of the initial weights and of dropout; a layer's share of it depends on its name only.

    Returns:
        Model from ``{x}`` [n, features] to flavour probabilities [n, classes].
    """
    return JetTagger.classifier(network, dtype=dtype, seed=seed)


def build_jet_adversarial(
    network: JetNetworkSettings, *, dtype: str = "float32", seed: int = 0, k1: float = 1.0, k2: float = 1.0
) -> JetTagger:
    """Return the network with its class head and an adversarial head on its first layers, behind gradient reversal.

    Args:
        network: settings; ``common_layers`` says where the two heads part.
        dtype: Keras dtype policy.
        seed: of the initial weights and of dropout.
        k1: factor of the class gradient on the common layers.
        k2: factor of the reversed adversarial gradient on the common layers.

    Returns:
        Model with the outputs ``main_output`` [n, classes] and ``adv_output`` [n, 1], the probability of the second domain.
    """
    return JetTagger.adversarial(network, dtype=dtype, seed=seed, k1=k1, k2=k2)


def logits_model(model: JetTagger) -> keras.Model:
    """Return the same network (same weights) with logits [n, classes], before the softmax, instead of probabilities.

    The losses of :mod:`TauAdv.models.jet_flavour.losses` read logits: in float32 their gradients do not vanish where a
    probability rounds to one. An adversarial model keeps its ``adv_output``, and has ``logits`` beside it.
    """
    logits = model.get_layer(LOGITS_LAYER).output
    outputs = {"logits": logits, "adv_output": model.output["adv_output"]} if model.is_adversarial else logits
    return keras.Model(model.input, outputs, name=f"{model.name}_logits")


@dataclass(frozen=True)
class _JetNetworkBuilder:
    network: JetNetworkSettings
    dtype: str
    seed: int

    def inputs(self) -> dict[str, Any]:
        return {"x": keras.Input((self.network.n_features,), dtype=self.output_dtype, name="x")}

    @property
    def output_dtype(self) -> str:
        """Number type of inputs and probabilities: never a half-precision one."""
        return keras.dtype_policies.get(self.dtype).variable_dtype

    def common_features(self, inputs: dict[str, Any]) -> Any:
        x = self.hidden_layers("dense", inputs["x"], 0, self.network.common_layers)
        return keras.layers.Identity(name=JetTagger.features_layer, dtype=self.dtype)(x)

    def class_head(self, features: Any) -> Any:
        x = self.hidden_layers("final_dense", features, self.network.common_layers, len(self.network.hidden))
        x = self.logits(LOGITS_LAYER, self.network.n_classes)(x)
        return keras.layers.Activation("softmax", name="main_output", dtype=self.output_dtype)(x)

    def adversarial_head(self, features: Any) -> Any:
        for number, width in enumerate(self.network.adversarial_head.widths, start=1):
            features = self.hidden(f"final_adv_dense_{number}", width)(features)
        x = self.logits("final_dense_adv", 1)(features)
        return keras.layers.Activation("sigmoid", name="adv_output", dtype=self.output_dtype)(x)

    def hidden_layers(self, block: str, x: Any, first: int, last: int) -> Any:
        """Return ``x`` after the hidden layers ``first`` to ``last`` (excluded), counted from 0."""
        for position in range(first, last):
            x = self.hidden(f"{block}_{position + 1}", self.network.hidden[position])(x)
            if self.network.dropout and position + 1 < len(self.network.hidden):
                name = f"{block}_dropout_{position + 1}"
                x = keras.layers.Dropout(self.network.dropout, seed=self.seed_of(name), name=name, dtype=self.dtype)(x)
        return x

    def hidden(self, name: str, width: int) -> keras.layers.Layer:
        return keras.layers.Dense(width, "relu", kernel_initializer=self.kernel(name), name=name, dtype=self.dtype)

    def logits(self, name: str, width: int) -> keras.layers.Layer:
        """Return the last layer of a head: losses read it, never in half precision."""
        return keras.layers.Dense(width, kernel_initializer=self.kernel(name), name=name, dtype=self.output_dtype)

    def kernel(self, name: str) -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=self.seed_of(name))

    def seed_of(self, name: str) -> int:
        return zlib.crc32(f"{self.seed}:{name}".encode()) % 2**31
