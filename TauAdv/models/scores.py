"""What losses read of a tagger: probabilities of taus, logits of jets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.jet_flavour import logits_model
from TauAdv.models.tagger import JetTagger

__all__ = ["class_scores", "log_probabilities", "scoring_model"]


def scoring_model(model: Any) -> keras.Model:
    """Return the model, layers shared, with the scores that losses read: of jets, ``logits`` instead of ``main_output``."""
    return logits_model(model) if isinstance(model, JetTagger) else model


def class_scores(outputs: Any) -> tf.Tensor:
    """Return the class scores [n, classes] among the outputs of a scoring model, with or without an adversarial head."""
    if not isinstance(outputs, Mapping):
        return outputs
    return outputs["logits"] if "logits" in outputs else outputs["main_output"]


def log_probabilities(scores: tf.Tensor, *, are_logits: bool) -> tf.Tensor:
    """Return the logarithms of the class probabilities [n, classes] that scores stand for."""
    return tf.nn.log_softmax(scores) if are_logits else tf.math.log(tf.maximum(scores, _SMALLEST))


_SMALLEST = 1e-7
