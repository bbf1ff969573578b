"""The fast gradient sign method: one step as large as allowed, along the sign of the gradient."""

from __future__ import annotations

import tensorflow as tf

from TauAdv.attacks.amplitude import Eps, is_zero
from TauAdv.attacks.constraints import Batch, Constraints
from TauAdv.attacks.objectives import Objective, input_gradients

__all__ = ["fgsm"]


@tf.autograph.experimental.do_not_convert
def fgsm(
    objective: Objective, batch: Batch, constraints: Constraints, eps: Eps, *, strength: tf.Tensor | float | None = None
) -> Batch:
    """Return the batch with every free input at x + eps sign(dL/dx) (I. Goodfellow et al., arXiv:1412.6572).

    Args:
        objective: what to make larger, per example; see :mod:`TauAdv.attacks.objectives`.
        batch: network inputs, masks, labels.
        constraints: which inputs may move, and how far.
        eps: size of the step; 0 returns the batch unchanged.
        strength: multiplies eps; a number, or one per example.

    Raises:
        InputError: eps negative or not matching the inputs, or a tensor or mask missing in the batch.
    """
    batch = constraints.checked(batch)
    amplitude = constraints.amplitudes(eps, batch, strength)
    if is_zero(eps):
        return batch
    clean = {name: batch[name] for name in constraints.columns}
    _, gradients = input_gradients(objective, batch, clean, constraints)
    boxes = constraints.boxes(batch, amplitude)
    directions = constraints.directions(gradients, amplitude)
    steps = {name: box.corner(directions[name]) for name, box in boxes.items()}
    return constraints.complete(batch, constraints.place(batch, steps, boxes))
