"""Losses of one batch: pure functions of model and batch.

The batch is the flat dictionary of the shards: network inputs, ``y`` [n, classes] and ``weight`` [n], and in paired batches
``y_adv`` [n, 1] and ``weight_adv`` [n]. Rows of the other kind carry weight zero. Losses are sums over the batch divided by
a number that the caller gives: of rows (TauMLTools, arXiv:2201.08458), or the sum of weights (arXiv:2203.13890).

Where several replicas share a batch, the caller gives the counts of the whole batch. Losses and penalty are then the
replica's shares, which add up to those of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from TauAdv.models.deeptau.losses import LossFunction
from TauAdv.models.replicas import replica_share
from TauAdv.models.scores import class_scores
from TauAdv.models.tagger import Tagger, network_inputs
from TauAdv.models.variables import part_of_layer
from TauAdv.training.methods.acting import Acting, StepView

__all__ = ["Losses", "adversary_loss", "class_loss", "losses_of", "regularisation", "row_count"]

Batch = Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class Losses:
    """What a step makes smaller, and what it adds that up from.

    Attributes:
        outputs: of the network.
        pure: class loss.
        added: what methods add to the class loss, with the method.
        common_penalty, head_penalty: penalties on the weights of the common layers and of the class head.
        domain: the losses of methods that compare two domains, before any factor, with the method.
    """

    outputs: Any
    pure: tf.Tensor
    added: Sequence[tuple[Acting, tf.Tensor]]
    common_penalty: tf.Tensor
    head_penalty: tf.Tensor
    domain: Sequence[tuple[Acting, tf.Tensor]] = ()

    @property
    def class_part(self) -> tf.Tensor:
        """Class loss with what is added to it."""
        return self.pure + sum((term for _, term in self.added), tf.zeros_like(self.pure))

    @property
    def penalty(self) -> tf.Tensor:
        """Penalty on all weights."""
        return self.common_penalty + self.head_penalty

    @property
    def loss(self) -> tf.Tensor:
        """Class loss with what is added to it, and the penalty."""
        return self.class_part + self.penalty


def losses_of(
    model: Tagger,
    view: StepView,
    methods: Sequence[Acting],
    loss: LossFunction,
    *,
    forward: Any = None,
    training: bool = True,
) -> Losses:
    """Return the losses of a batch.

    Args:
        model: the model.
        view: the batch and its divisors.
        methods: that add to the losses.
        loss: class loss per row of labels and scores.
        forward: evaluates the model in its place: a scoring model (:mod:`TauAdv.models.scores`), perhaps with more outputs.
        training: whether dropout and batch statistics are those of training.
    """
    outputs = (forward or model)(network_inputs(view.seen), training=training)
    pure = class_loss(loss, view.seen, class_scores(outputs), view.n_class)
    given = [(method, method.added(view, outputs)) for method in methods]
    added = [(method, tf.cast(term, pure.dtype)) for method, term in given if term is not None]
    compared = [(method, method.domain(view, outputs)) for method in methods]
    domain = [(method, term) for method, term in compared if term is not None]
    return Losses(outputs, pure, added, regularisation(model, "common"), regularisation(model, "class_head"), domain)


def class_loss(loss: LossFunction, batch: Batch, scores: tf.Tensor, n_class: float | tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of the class loss over the batch divided by the number that the caller gives."""
    weighted = tf.cast(batch["weight"], scores.dtype) * loss(tf.cast(batch["y"], scores.dtype), scores)
    return tf.reduce_sum(weighted) / tf.cast(n_class, scores.dtype)


def adversary_loss(loss: LossFunction, batch: Batch, scores: tf.Tensor, n_adv: float | tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of the adversarial loss over the batch divided by the number of adversarial rows."""
    weighted = tf.cast(batch["weight_adv"], scores.dtype) * loss(tf.cast(batch["y_adv"], scores.dtype), scores)
    return tf.reduce_sum(weighted) / tf.cast(n_adv, scores.dtype)


def regularisation(model: Tagger, part: str) -> tf.Tensor:
    """Return the penalty on the weights of one part (``common``, ``class_head``, ``adversarial_head``); zero without one.

    One of n replicas has an n-th of it.
    """
    penalties = [penalty for layer in model.layers if part_of_layer(layer.name) == part for penalty in layer.losses]
    if not penalties:
        return tf.zeros((), model.layers[-1].variable_dtype)
    return replica_share(tf.add_n(penalties))


def row_count(rows: tf.Tensor) -> tf.Tensor:
    """Return the number of rows of a tensor, as a number to divide by."""
    return tf.cast(tf.shape(rows)[0], tf.float32)
