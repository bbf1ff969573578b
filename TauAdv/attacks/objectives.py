"""What an attack makes larger: functions from a batch to one number per example [n]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Batch, Constraints
from TauAdv.models.deeptau.losses import LossFunction
from TauAdv.models.scores import class_scores, log_probabilities, scores_are_logits, scoring_model
from TauAdv.models.tagger import network_inputs

__all__ = ["Objective", "divergence", "input_gradients", "kullback_leibler", "label_loss", "scores_for_loss"]

Objective = Callable[[Batch], tf.Tensor]


def label_loss(model: Any, loss: LossFunction, *, training: bool = False) -> Objective:
    """Return the loss of the true labels: what FGSM and PGD make larger.

    Args:
        model: tagger; of jets, the loss is given logits, of taus, probabilities. Or any model of the network inputs.
        loss: loss per example of labels (``y`` of the batch) and scores.
        training: whether dropout acts while the attack is made (as in arXiv:2203.13890). On a network with batch
            normalisation it also changes the running statistics.
    """
    scores = scores_for_loss(model)

    def of_labels(batch: Batch) -> tf.Tensor:
        found = scores(batch, training)
        return loss(tf.cast(batch["y"], found.dtype), found)

    return of_labels


def divergence(model: Any, clean: Batch, *, training: bool = False) -> Objective:
    """Return the Kullback-Leibler divergence of the attacked from the clean probabilities (TRADES, arXiv:1901.08573).

    It has no slope at the clean inputs: use it with an attack that starts at random.
    """
    scores, are_logits = scores_for_loss(model), scores_are_logits(model)
    target = tf.stop_gradient(log_probabilities(scores(clean, training), are_logits=are_logits))
    return lambda batch: kullback_leibler(target, log_probabilities(scores(batch, training), are_logits=are_logits))


def kullback_leibler(target: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Return the divergence KL(target || other) per example [n] of logarithms of probabilities [n, classes]."""
    return tf.reduce_sum(tf.exp(target) * (target - other), axis=1)


def scores_for_loss(model: Any) -> Callable[[Batch, bool], tf.Tensor]:
    """Return a function of batch and training flag to what the losses read: logits or probabilities."""
    scoring = scoring_model(model)
    return lambda batch, training: class_scores(scoring(network_inputs(batch), training=training))


def input_gradients(
    objective: Objective, batch: Batch, placed: Batch, constraints: Constraints
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Return the objective [n] at attacked tensors and its gradient with respect to them; weights get none.

    The objective is summed, not averaged: in float32 a mean over many examples loses the smallest gradients.
    """
    # at the clean inputs both are the same tensor; only the attacked one is to be varied
    varied = {name: tf.identity(tensor) for name, tensor in placed.items()}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(varied)
        value = objective(constraints.complete(batch, varied))
        total = tf.reduce_sum(value)
    return value, tape.gradient(total, varied, unconnected_gradients=tf.UnconnectedGradients.ZERO)
