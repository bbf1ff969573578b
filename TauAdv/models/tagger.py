"""The Keras model of a tagger: a functional model that remembers the network settings it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeVar

import keras
import tensorflow as tf

from TauAdv.models.gradient_reversal import opposed
from TauAdv.shards.row_types import INPUT_NAMES

__all__ = ["NetworkParts", "Tagger", "TaggerType", "inference_function", "network_inputs", "tagger_of"]


class NetworkParts(Protocol):
    """The parts of a network, as functions from Keras tensors to Keras tensors."""

    def inputs(self) -> dict[str, Any]:
        """Return the inputs by name."""

    def common_features(self, inputs: dict[str, Any]) -> Any:
        """Return what all heads share [n, features]."""

    def class_head(self, features: Any) -> Any:
        """Return the class probabilities [n, classes]."""

    def adversarial_head(self, features: Any) -> Any:
        """Return the probability of the second domain [n, 1]."""


class Tagger(keras.Model):
    """Functional model with the settings of its network; saves to and loads from ``.keras`` in safe mode.

    The output is ``main_output`` [n, classes], or a dictionary of ``main_output`` and ``adv_output`` [n, 1] for a model with
    an adversarial head. A network has a class of its own, which is registered with Keras and knows its
    parts (:meth:`parts`).

    Attributes:
        settings_type: class of the network settings.
        features_layer: name of the layer whose output all heads share.
        objects: what the tagger classifies, ``taus`` or ``jets``: the rows of the shards that it reads.
        scores_are_logits: whether losses read logits of this network, or class probabilities.
    """

    settings_type: ClassVar[Any]
    features_layer: ClassVar[str]
    objects: ClassVar[str]
    scores_are_logits: ClassVar[bool] = False

    @classmethod
    def parts(cls, network: Any, dtype: str, seed: int) -> NetworkParts:
        """Return the parts of which models with these settings, dtype policy and seed are made."""
        raise NotImplementedError(cls.__name__)

    @classmethod
    def classifier(cls, network: Any, *, dtype: str = "float32", seed: int = 0) -> Self:
        """Return the network with its class head.

        Args:
            network: settings, of ``settings_type``.
            dtype: Keras dtype policy, for example ``float32``, ``float64`` or ``mixed_bfloat16``.
            seed: of the initial weights and of dropout.
        """
        parts = cls.parts(network, dtype, seed)
        inputs = parts.inputs()
        return tagger_of(cls, inputs, parts.class_head(parts.common_features(inputs)), network)

    @classmethod
    def adversarial(cls, network: Any, *, dtype: str = "float32", seed: int = 0, k1: float = 1.0, k2: float = 10.0) -> Self:
        """Return the network with its class head and an adversarial head on the same common features.

        Args:
            network: settings, of ``settings_type``.
            dtype: Keras dtype policy.
            seed: of the initial weights and of dropout.
            k1: factor of the class gradient on the common layers.
            k2: factor of the reversed adversarial gradient on the common layers.
        """
        parts = cls.parts(network, dtype, seed)
        inputs = parts.inputs()
        for_class, for_adversary = opposed(parts.common_features(inputs), k1, k2, dtype)
        outputs = {"main_output": parts.class_head(for_class), "adv_output": parts.adversarial_head(for_adversary)}
        return tagger_of(cls, inputs, outputs, network)

    @classmethod
    def input_signature(cls, network: Any, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
        """Return shapes and types of the network inputs, all lengths open: one traced function serves every batch."""
        raise NotImplementedError(cls.__name__)

    def scoring_model(self) -> keras.Model:
        """Return the same network (same weights) with the scores that losses read: by default, itself."""
        return self

    @property
    def network(self) -> Any:
        """Settings of the network."""
        return self.settings_type.model_validate(self.network_settings)

    @property
    def is_adversarial(self) -> bool:
        """Whether the model has the adversarial head."""
        return isinstance(self.output, dict)

    def get_config(self) -> dict[str, Any]:
        """Return the functional configuration and the network settings."""
        return {**super().get_config(), "network_settings": dict(self.network_settings)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Tagger:
        """Return the model of a configuration."""
        config = dict(config)
        settings = config.pop("network_settings")
        model = super().from_config(config, custom_objects=custom_objects)
        model.network_settings = settings
        return model


TaggerType = TypeVar("TaggerType", bound=Tagger)


def tagger_of(kind: type[TaggerType], inputs: dict[str, Any], outputs: Any, network: Any) -> TaggerType:
    """Return the model of ``inputs`` and ``outputs`` with its settings attached."""
    model = kind(inputs=inputs, outputs=outputs, name=network.name)
    model.network_settings = network.model_dump(mode="json")
    return model


def network_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a batch that the network reads."""
    return {key: batch[key] for key in INPUT_NAMES if key in batch}


def inference_function(model: Tagger) -> Any:
    """Return a compiled function from network inputs to the model's outputs, traced once for all batch and cell counts."""
    signature = model.input_signature(model.network)

    @tf.function(input_signature=[signature])
    def compute(inputs: dict[str, tf.Tensor]) -> Any:
        return model(inputs, training=False)

    return compute
