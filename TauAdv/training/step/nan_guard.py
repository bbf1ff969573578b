"""Watch every step for numbers that are not finite, at next to no cost, and leave the weights as they were before.

The watch is part of the compiled step: one sum over all gradients and losses (not finite if any of them is not), and one
number kept beside the network, the first step for which that was so. From that step on gradients and learning rates are
zero. So the weights stay those that the step met, and the cause can be searched for afterwards
(:mod:`TauAdv.training.diagnosis.nan_search`), also where the host looks only now and then. What is not kept: the running
statistics of batch normalisations follow the broken step and those after it too. If only a further step of the adversarial
head (:mod:`TauAdv.training.step.head_steps`) is not finite, the joint update before it has been made. No checkpoint is made
of either.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from TauAdv.models.replicas import sum_over_replicas
from TauAdv.training.step.combine import Combined
from TauAdv.training.step.flat import Joined

__all__ = ["NanGuard"]

_NEVER = -1


class NanGuard:
    """Remembers the first step that was not finite."""

    def __init__(self) -> None:
        options: Any = {
            "trainable": False,
            "dtype": tf.int64,
            # every replica keeps its own copy; all come to the same result
            "synchronization": tf.VariableSynchronization.ON_READ,
            "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA,
        }
        self._step = tf.Variable(0, **options, name="guarded_step")
        self._first = tf.Variable(_NEVER, **options, name="first_step_not_finite")

    @property
    def step(self) -> tf.Tensor:
        """Number of the present step, in a compiled step before it is checked."""
        return self._step.read_value()

    def start(self, step: int) -> None:
        """Begin to watch; the next step is number ``step``."""
        self._step.assign(step)
        self._first.assign(_NEVER)

    def checked(self, found: Combined) -> dict[str, list[tf.Tensor]]:
        """Return the gradients of a step by group, zeros from the first step on that is not finite; in a compiled step.

        Args:
            found: losses, and gradients that are summed over replicas.
        """
        losses = [found.losses.loss, *(term for _, term in found.losses.domain)]
        step = self._step.read_value()
        self._step.assign_add(1)
        spared = iter(self._spared([gradient for group in found.gradients.values() for gradient in group], losses, step))
        return {name: [next(spared) for _ in group] for name, group in found.gradients.items()}

    def checked_further(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return gradients that the step which was just checked takes later on, as :meth:`checked` does."""
        return self._spared(gradients, [], self._step.read_value() - 1)

    def _spared(self, gradients: list[tf.Tensor], losses: list[tf.Tensor], step: tf.Tensor) -> list[tf.Tensor]:
        """Look at gradients and losses; return the gradients, or zeros from the first step on that is not finite."""
        joined = Joined(gradients)  # a sum and a choice for every variable would be many operations
        self._look([*losses, *(tf.reduce_sum(vector) for vector in joined.vectors)], step)
        sound = self._first < 0
        return joined.split([tf.where(sound, vector, tf.zeros((), vector.dtype)) for vector in joined.vectors])

    def _look(self, terms: list[tf.Tensor], step: tf.Tensor) -> None:
        total = sum_over_replicas(tf.add_n([tf.cast(term, tf.float64) for term in terms]))
        broken = tf.logical_and(self._first < 0, tf.logical_not(tf.math.is_finite(total)))
        self._first.assign(tf.where(broken, step, self._first.read_value()))

    def rate(self, learning_rate: tf.Tensor) -> tf.Tensor:
        """Return the learning rate, or zero from the first step on that is not finite."""
        return tf.where(self._first < 0, learning_rate, tf.zeros_like(learning_rate))

    def first_broken_step(self) -> int | None:
        """Return the number of the first step that was not finite, or ``None``."""
        first = int(self._first.numpy())
        return None if first == _NEVER else first
