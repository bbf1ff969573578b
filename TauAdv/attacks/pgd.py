"""Projected gradient descent: many small steps within the limits, from several starts; the worst of each example counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from TauAdv.attacks.amplitude import Eps, is_zero
from TauAdv.attacks.box import Box
from TauAdv.attacks.constraints import Batch, Constraints
from TauAdv.attacks.objectives import Objective, input_gradients
from TauAdv.attacks.randomness import Seed, uniform
from TauAdv.errors import InputError

__all__ = ["pgd"]

Tensors = dict[str, tf.Tensor]


@tf.autograph.experimental.do_not_convert
def pgd(
    objective: Objective,
    batch: Batch,
    constraints: Constraints,
    eps: Eps,
    *,
    steps: int = 10,
    step_size: float | None = None,
    restarts: int = 1,
    random_start: bool = True,
    seed: Seed = 0,
    strength: tf.Tensor | float | None = None,
) -> Batch:
    """Return the batch with every free input where, of all points visited, the objective of its example is largest.

    (A. Madry et al., arXiv:1706.06083.) All points lie within eps and the other limits around the clean inputs.

    Args:
        objective: what to make larger, per example; see :mod:`TauAdv.attacks.objectives`.
        batch: network inputs, masks, labels.
        constraints: which inputs may move, and how far.
        eps: largest change; 0 returns the batch unchanged.
        steps: gradient steps of each start.
        step_size: of a step, as a share of eps; default: 2.5 / steps.
        restarts: number of starts.
        random_start: start anywhere within the limits; ``False``: at the clean inputs.
        seed: of the random starts.
        strength: multiplies eps; a number, or one per example.

    Raises:
        InputError: eps negative or not matching the inputs, a tensor or mask missing in the batch, no steps or starts, or
            several starts that are all the same.
    """
    batch = constraints.checked(batch)
    amplitude = constraints.amplitudes(eps, batch, strength)
    _check(steps, step_size, restarts, random_start)
    if is_zero(eps):
        return batch
    walk = _Walk(objective, batch, constraints, amplitude, constraints.boxes(batch, amplitude))
    share = 2.5 / steps if step_size is None else step_size

    def one_start(number: tf.Tensor, best: tuple[tf.Tensor, Tensors]) -> tuple[tf.Tensor, Tensors]:
        placed = walk.start(seed, number) if random_start else walk.clean
        placed, best = _repeat(steps, lambda _, state: walk.step(state[0], state[1], share), (placed, best))
        return walk.better(objective(constraints.complete(batch, placed)), placed, best)

    nothing = (tf.fill([walk.n_examples], tf.float32.min), walk.clean)
    _, worst = _repeat(restarts, one_start, nothing)
    return constraints.complete(batch, worst)


@dataclass(frozen=True)
class _Walk:
    objective: Objective
    batch: Batch
    constraints: Constraints
    amplitude: Mapping[str, tf.Tensor]
    boxes: Mapping[str, Box]

    @property
    def clean(self) -> Tensors:
        return {name: self.batch[name] for name in self.constraints.columns}

    @property
    def n_examples(self) -> tf.Tensor:
        """Number of examples: that of the first tensor whose rows are examples."""
        name = next(name for name, columns in self.constraints.columns.items() if columns.rows is None)
        return tf.shape(self.batch[name])[0]

    def start(self, seed: Seed, number: tf.Tensor) -> Tensors:
        positions = self.constraints.common(uniform(self.clean, seed, number))
        steps = {name: box.inside(positions[name]) for name, box in self.boxes.items()}
        return self.constraints.place(self.batch, steps, self.boxes)

    def step(self, placed: Tensors, best: tuple[tf.Tensor, Tensors], share: float) -> tuple[Tensors, Any]:
        """Return the tensors after one more step, and the worst points so far, those before the step among them."""
        value, gradients = input_gradients(self.objective, self.batch, placed, self.constraints)
        best = self.better(value, placed, best)
        directions = self.constraints.directions(gradients, self.amplitude)
        moved = {}
        for name, box in self.boxes.items():
            step = share * self.amplitude[name] * tf.sign(directions[name])
            moved[name] = box.clip(placed[name] - self.batch[name] + step)
        return self.constraints.place(self.batch, moved, self.boxes), best

    def better(self, value: tf.Tensor, placed: Tensors, best: tuple[tf.Tensor, Tensors]) -> tuple[tf.Tensor, Tensors]:
        """Return the larger objectives and the tensors that give them, example by example."""
        highest, worst = best
        value = tf.cast(value, highest.dtype)
        larger = value > highest
        chosen = {
            name: tf.where(self.constraints.per_row(name, larger, self.batch)[:, None], tensor, worst[name])
            for name, tensor in placed.items()
        }
        return tf.where(larger, value, highest), chosen


def _repeat(times: int, body: Callable[[tf.Tensor, Any], Any], state: Any) -> Any:
    """Return the state after ``times`` turns of ``body(number, state)``, in a loop that is compiled once."""
    _, final = tf.while_loop(
        lambda number, _: number < times,
        lambda number, present: (number + 1, body(number, present)),
        (tf.constant(0), state),
    )
    return final


def _check(steps: int, step_size: float | None, restarts: int, random_start: bool) -> None:
    if steps < 1 or restarts < 1 or (step_size is not None and step_size <= 0):
        msg = f"expected steps >= 1, restarts >= 1, step_size > 0; received {steps}, {restarts}, {step_size}"
        raise InputError(msg)
    if restarts > 1 and not random_start:
        msg = f"{restarts} restarts without random_start are all the same; set random_start: true or restarts: 1"
        raise InputError(msg)
