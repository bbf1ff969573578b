"""What losses read of a tagger: its class probabilities or its logits, as its network says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.tagger import Tagger

__all__ = ["class_scores", "log_probabilities", "scores_are_logits", "scoring_model"]


def scoring_model(model: Any) -> keras.Model:
    """Return the model, layers shared, with the scores that losses read: ``logits``, or ``main_output``."""
    return model.scoring_model() if isinstance(model, Tagger) else model


def scores_are_logits(model: Any) -> bool:
    """Return whether the scores that losses read of a model are logits; of a model that is no tagger, they are not."""
    return isinstance(model, Tagger) and model.scores_are_logits


def class_scores(outputs: Any) -> tf.Tensor:
    """Return the class scores [n, classes] among the outputs of a scoring model, with or without an adversarial head."""
    if not isinstance(outputs, Mapping):
        return outputs
    return outputs["logits"] if "logits" in outputs else outputs["main_output"]


def log_probabilities(scores: tf.Tensor, *, are_logits: bool) -> tf.Tensor:
    """Return the logarithms of the class probabilities [n, classes] that scores stand for."""
    return tf.nn.log_softmax(scores) if are_logits else tf.math.log(tf.maximum(scores, _SMALLEST))


_SMALLEST = 1e-7
