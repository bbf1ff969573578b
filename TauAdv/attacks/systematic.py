"""Systematic variations: every free input up, or down, by eps times its own factor."""

from __future__ import annotations

import tensorflow as tf

from TauAdv.attacks.amplitude import Eps, is_zero
from TauAdv.attacks.constraints import Batch, Constraints
from TauAdv.attacks.options import Direction

__all__ = ["systematic"]


@tf.autograph.experimental.do_not_convert
def systematic(
    batch: Batch,
    constraints: Constraints,
    eps: Eps,
    *,
    direction: Direction = "up",
    strength: tf.Tensor | float | None = None,
) -> Batch:
    """Return the batch with every free input at x + eps f (up) or x - eps f (down), f the factor of its column.

    (Jet-flavour specification, section 7.)

    Args:
        batch: network inputs and masks.
        constraints: which inputs may move, how far, and the factors.
        eps: size of the variation; 0 returns the batch unchanged.
        direction: ``up`` or ``down``.
        strength: multiplies eps; a number, or one per example.

    Raises:
        InputError: eps negative or not matching the inputs, or a tensor or mask missing in the batch.
    """
    batch = constraints.checked(batch)
    amplitude = constraints.amplitudes(eps, batch, strength)
    if is_zero(eps):
        return batch
    amplitude = {name: value * constraints.columns[name].factor for name, value in amplitude.items()}
    boxes = constraints.boxes(batch, amplitude)
    sign = 1.0 if direction == "up" else -1.0
    steps = {name: box.clip(sign * amplitude[name]) for name, box in boxes.items()}
    return constraints.complete(batch, constraints.place(batch, steps, boxes))
