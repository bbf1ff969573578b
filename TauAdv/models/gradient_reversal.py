"""Identity layers that change the gradient: the means by which one backward pass serves two opposed losses."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = [
    "ADVERSARIAL_GRADIENT",
    "CLASS_GRADIENT",
    "GradientReversal",
    "GradientScaling",
    "gradient_scales",
    "opposed",
    "set_gradient_scales",
]

CLASS_GRADIENT, ADVERSARIAL_GRADIENT = "class_gradient", "adv_gradient"
"""Names of the two layers between the common features and the heads."""


@keras.saving.register_keras_serializable(package="TauAdv")
class GradientScaling(keras.layers.Layer):
    """Identity in the forward pass; multiplies the gradient by ``scale`` in the backward pass.

    ``scale`` can be set at any time, also between the steps of a compiled training loop. It is no weight of the model: it
    is saved as a setting of the layer.

    Args:
        scale: factor of the gradient.

    Example:
        >>> layer = GradientScaling(scale=2.0)
        >>> layer.scale = 0.5
    """

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # a plain TensorFlow variable: compiled functions see it change, Keras does not count it as a parameter
        self._scale = tf.Variable(scale, trainable=False, dtype=self.variable_dtype, name=f"{self.name}_scale")

    @property
    def scale(self) -> tf.Variable:
        """Factor of the gradient."""
        return self._scale

    @scale.setter
    def scale(self, value: float | tf.Tensor) -> None:
        self._scale.assign(tf.cast(value, self._scale.dtype))

    def gradient_factor(self) -> tf.Tensor:
        """Return what the gradient is multiplied by."""
        return self._scale.read_value()

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return ``inputs`` unchanged."""

        @tf.custom_gradient
        def identity(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
            # the factor is read in the backward pass only, so that an exported model does not depend on it
            return tf.identity(x), lambda dy: dy * tf.cast(self.gradient_factor(), dy.dtype)

        return identity(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``input_shape``."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the settings, with the present scale."""
        return {**super().get_config(), "scale": float(self._scale.numpy())}


@keras.saving.register_keras_serializable(package="TauAdv")
class GradientReversal(GradientScaling):
    """Identity in the forward pass; multiplies the gradient by ``-scale``: what precedes opposes what follows.

    (Y. Ganin and V. Lempitsky, arXiv:1409.7495.)
    """

    def gradient_factor(self) -> tf.Tensor:
        """Return what the gradient is multiplied by."""
        return -self._scale.read_value()


def opposed(features: Any, k1: float, k2: float, dtype: str) -> tuple[Any, Any]:
    """Return common features [n, ...] for the class head and for the adversarial head of a network.

    In one backward pass of L_class + L_adv the common layers receive k1 dL_class - k2 dL_adv, each head the plain gradient
    of its own loss.

    Args:
        features: symbolic tensor.
        k1: factor of the class gradient on the common layers.
        k2: factor of the reversed adversarial gradient on the common layers.
        dtype: Keras dtype policy.
    """
    for_class = GradientScaling(k1, name=CLASS_GRADIENT, dtype=dtype)(features)
    return for_class, GradientReversal(k2, name=ADVERSARIAL_GRADIENT, dtype=dtype)(features)


def set_gradient_scales(model: keras.Model, k1: float, k2: float) -> None:
    """Set the factors of the two gradients on the common layers; compiled training functions follow."""
    model.get_layer(CLASS_GRADIENT).scale = k1
    model.get_layer(ADVERSARIAL_GRADIENT).scale = k2


def gradient_scales(model: keras.Model) -> tuple[float, float]:
    """Return k1 and k2, the factors of the two gradients on the common layers."""
    return float(model.get_layer(CLASS_GRADIENT).scale.numpy()), float(model.get_layer(ADVERSARIAL_GRADIENT).scale.numpy())
