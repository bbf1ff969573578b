"""Gaussian noise on the inputs: a change that nobody chose."""

from __future__ import annotations

import tensorflow as tf

from TauAdv.attacks.amplitude import Eps, is_zero
from TauAdv.attacks.constraints import Batch, Constraints
from TauAdv.attacks.randomness import Seed, normal

__all__ = ["gaussian_noise"]

#: In standard deviations.
_NEVER_REACHED = 1e3


@tf.autograph.experimental.do_not_convert
def gaussian_noise(
    batch: Batch, constraints: Constraints, sigma: Eps, *, seed: Seed, strength: tf.Tensor | float | None = None
) -> Batch:
    """Return the batch with every free input at x + N(0, sigma), within range and cap.

    Args:
        batch: network inputs and masks.
        constraints: which inputs may move, and how far.
        sigma: standard deviation, in the unit of the constraints; 0 returns the batch unchanged.
        seed: of the random numbers.
        strength: multiplies sigma; a number, or one per example.

    Raises:
        InputError: sigma negative or not matching the inputs, or a tensor or mask missing in the batch.
    """
    batch = constraints.checked(batch)
    amplitude = constraints.amplitudes(sigma, batch, strength)
    if is_zero(sigma):
        return batch
    clean = {name: batch[name] for name in constraints.columns}
    numbers = constraints.common(normal(clean, seed))
    # noise has no largest step: it is limited by ranges and cap only
    boxes = constraints.boxes(batch, {name: _NEVER_REACHED * value for name, value in amplitude.items()})
    steps = {name: box.clip(amplitude[name] * numbers[name]) for name, box in boxes.items()}
    return constraints.complete(batch, constraints.place(batch, steps, boxes))
