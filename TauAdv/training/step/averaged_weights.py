"""Exponential moving averages of the weights (EMA) instead of the weights: for the time of a validation, or for good.

The averages are part of the state of the optimiser, if it keeps them; otherwise nothing happens here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from TauAdv.training.step.optimizers import Optimizer

__all__ = ["averaged", "keep_average"]


@contextmanager
def averaged(optimizer: Optimizer) -> Iterator[None]:
    """Give the variables of an optimiser their averages for the time of the block."""
    weights = [(variable, tf.identity(variable.value)) for variable, _ in optimizer.averages()]
    keep_average(optimizer)
    yield
    for variable, value in weights:
        variable.assign(value)


def keep_average(optimizer: Optimizer) -> None:
    """Give the variables of an optimiser their averages for good."""
    for variable, average in optimizer.averages():
        variable.assign(average)
