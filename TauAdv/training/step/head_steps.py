"""Further steps of the adversarial head alone, on common features that the joint step has computed.

They are taken on the rows of the joint step's batch and on its common features, dropout included, as they were before the
joint update: no second pass through the common layers, whose weights and running statistics stay as they are. The head's own
batch normalisation sees the same mixture of class and adversarial rows as in the joint step, and follows each of its steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.deeptau.losses import LossFunction
from TauAdv.models.replicas import sum_over_replicas
from TauAdv.models.scores import scoring_model
from TauAdv.models.tagger import Tagger
from TauAdv.training.step.flat import with_shapes
from TauAdv.training.step.losses import adversary_loss

__all__ = ["FEATURES", "adversarial_head", "head_gradients", "with_features"]

FEATURES = "features"
"""Key of the common features among the outputs of :func:`with_features`."""


def with_features(model: Tagger) -> keras.Model:
    """Return the scoring model, layers shared, with the common features among its outputs."""
    scores = scoring_model(model).output
    outputs = scores if isinstance(scores, dict) else {"main_output": scores}
    return keras.Model(model.input, {**outputs, FEATURES: model.get_layer(model.features_layer).output})


def adversarial_head(model: Tagger) -> keras.Model:
    """Return the adversarial head of a model, layers shared: common features [n, ...] to probabilities to be data [n, 1]."""
    return keras.Model(model.get_layer(model.features_layer).output, model.output["adv_output"])


def head_gradients(
    head: keras.Model,
    variables: Sequence[keras.Variable],
    features: tf.Tensor,
    batch: Mapping[str, tf.Tensor],
    n_adv: float | tf.Tensor,
    loss: LossFunction,
) -> list[tf.Tensor]:
    """Return the gradients of the adversarial loss on the head, the common features fixed.

    Args:
        head: of :func:`adversarial_head`.
        variables: its trainable variables.
        features: common features of all rows of the batch.
        batch: ``y_adv`` and ``weight_adv`` of all rows; class rows have weight zero.
        n_adv: number of adversarial rows, of all replicas, that the summed loss is divided by.
        loss: of data against simulation per tau.
    """
    fixed: Any = tf.stop_gradient(features)
    with tf.GradientTape() as tape:
        total = adversary_loss(loss, batch, head(fixed, training=True), n_adv)
    values = [variable.value for variable in variables]
    return sum_over_replicas(with_shapes(tape.gradient(total, values), values))
