"""What the class head is trained for: the loss per row, how rows are weighted, and what else is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import tensorflow as tf

from TauAdv.models.deeptau.losses import LossFunction
from TauAdv.models.replicas import sum_over_replicas

__all__ = ["ClassObjective"]


@dataclass(frozen=True)
class ClassObjective:
    """Class loss of a tagger.

    Attributes:
        loss: from labels and scores to a loss per row: scores are probabilities of taus, logits of jets.
        terms: further losses by name, whose unweighted means are metrics.
        pairs: name of a metric -> the two classes (signal, background) whose separation it measures.
        are_logits: whether scores are logits.
        by_weight: divide the weighted sum of losses by the sum of weights; otherwise, by the number of rows.
        use_weights: whether the weights of the shards count.
    """

    loss: LossFunction
    terms: Mapping[str, LossFunction] = field(default_factory=dict)
    pairs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    are_logits: bool = False
    by_weight: bool = False
    use_weights: bool = True

    def divisor(self, weights: tf.Tensor, n_rows: float | tf.Tensor) -> tf.Tensor:
        """Return what the weighted sum of losses over the whole batch, on all replicas, is divided by.

        Args:
            weights: of the rows of this replica; of those that do not count, 0.
            n_rows: rows that count, on all replicas.
        """
        if self.by_weight:
            return sum_over_replicas(tf.reduce_sum(tf.cast(weights, tf.float64)))
        return tf.cast(n_rows, weights.dtype)

    def weighted(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the batch with the weights that count: its own, or 1 for every row (0 for rows of the other set)."""
        if self.use_weights:
            return dict(batch)
        labelled = tf.reduce_sum(batch["y"], axis=1) if "y" in batch else None
        changed = dict(batch)
        if labelled is not None and "weight" in batch:
            changed["weight"] = tf.cast(labelled, batch["weight"].dtype)
        if "weight_adv" in batch:
            ones = tf.ones_like(batch["weight_adv"])
            changed["weight_adv"] = ones if labelled is None else ones - tf.cast(labelled, ones.dtype)
        return changed
