"""A batch under attack: what an attack needs to know of it, and what it can do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from TauAdv.attacks.constraints.amplitude import Eps, is_zero
from TauAdv.attacks.constraints.box import Box
from TauAdv.attacks.constraints.constraints import Batch, Constraints
from TauAdv.attacks.objectives import Objective, input_gradients
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.randomness import Seed

__all__ = ["Target", "Tensors", "apply_attack"]

Tensors = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Target:
    """A clean batch, what may move in it and how far, and what an attack makes larger.

    All results are by tensor: ``x`` of jets; ``tau``, ``inner_cells``, ``outer_cells`` of taus; each [rows, f].

    Attributes:
        objective: what to make larger, per example, see :mod:`TauAdv.attacks.objectives`; ``None`` for attacks that do not
            look at it.
        batch: network inputs, masks, labels.
        constraints: which inputs may move, and how far.
        amplitude: eps times the unit of every column in scaled space, [f] or [rows, f].
        seed: of all random numbers.
    """

    objective: Any
    batch: Batch
    constraints: Constraints
    amplitude: Mapping[str, tf.Tensor]
    seed: Seed = 0

    @property
    def clean(self) -> Tensors:
        """The tensors that may be attacked, as they are."""
        return {name: self.batch[name] for name in self.constraints.columns}

    @property
    def n_examples(self) -> tf.Tensor:
        """Number of examples: that of the first tensor whose rows are examples."""
        name = next(name for name, columns in self.constraints.columns.items() if columns.rows is None)
        return tf.shape(self.batch[name])[0]

    def per_row(self, tensor: str, values: tf.Tensor) -> tf.Tensor:
        """Return values per example [n] as values per row of a tensor."""
        return self.constraints.per_row(tensor, values, self.batch)

    def sums(self, tensor: str, values: tf.Tensor) -> tf.Tensor:
        """Return the sum of values [rows] over all rows of the same example, for each row [rows]."""
        if (rows := self.constraints.columns[tensor].rows) is None:
            return values
        examples = self.batch[rows][:, 0]
        return tf.gather(tf.math.unsorted_segment_sum(values, examples, self.n_examples), examples)

    def boxes(self, amplitude: Mapping[str, tf.Tensor] | None = None) -> dict[str, Box]:
        """Return how far every element may move, up to an amplitude (default: that of eps)."""
        return self.constraints.boxes(self.batch, self.amplitude if amplitude is None else amplitude)

    def objective_and_gradients(self, placed: Batch | None = None) -> tuple[tf.Tensor, Tensors]:
        """Return the objective per example [n] and the gradients of its sum, at the clean or at moved tensors."""
        placed = self.clean if placed is None else placed
        return input_gradients(self.objective, self.batch, placed, self.constraints)

    def directions(self, gradients: Batch) -> Tensors:
        """Return where the objective grows, with one sign for all members of a group."""
        return self.constraints.directions(gradients, self.amplitude)

    def place(self, displacements: Batch, boxes: Mapping[str, Box]) -> Tensors:
        """Return the tensors at clean + displacement; what must not move keeps every bit."""
        return self.constraints.place(self.batch, displacements, boxes)

    def complete(self, placed: Batch) -> Tensors:
        """Return the whole batch with moved tensors in it, and everything that follows them."""
        return self.constraints.complete(self.batch, placed)

    def moved(self, displacements: Batch, boxes: Mapping[str, Box]) -> Tensors:
        """Return the whole batch, displaced: the last step of an attack."""
        return self.complete(self.place(displacements, boxes))


@tf.autograph.experimental.do_not_convert
def apply_attack(
    attack: AttackSettings,
    objective: Objective | None,
    batch: Batch,
    constraints: Constraints,
    eps: Eps,
    *,
    seed: Seed = 0,
    strength: tf.Tensor | float | None = None,
) -> Batch:
    """Return the attacked batch.

    Args:
        attack: which one; its options of strength and limits are not used, but ``eps`` and ``constraints``.
        objective: what to make larger, per example; see :mod:`TauAdv.attacks.objectives`.
        batch: network inputs, masks, labels.
        constraints: which inputs may move, and how far.
        eps: strength: a number, or tensor name -> number or one per column; 0 returns the batch unchanged.
        seed: of all random numbers.
        strength: multiplies eps; a number, or one per example.

    Raises:
        InputError: eps negative or not matching the inputs, or a tensor or mask missing in the batch.
    """
    batch = constraints.checked(batch)
    amplitude = constraints.amplitudes(eps, batch, strength)
    if is_zero(eps):
        return batch
    return attack.attacked(Target(objective, batch, constraints, amplitude, seed))
