"""Sums over the devices that train one model together, each on its own part of the batch.

On one device, and outside of a distributed step, they leave the values as they are.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["are_several", "replica_share", "sum_over_replicas"]


def are_several() -> bool:
    """Return whether the code runs (or is traced) as one of several replicas."""
    context = tf.distribute.get_replica_context()
    return context is not None and context.num_replicas_in_sync > 1


def replica_share(value: Any) -> Any:
    """Return an n-th of a value that each of n replicas has, so that the sum over replicas is the value."""
    return value / tf.distribute.get_replica_context().num_replicas_in_sync if are_several() else value


def sum_over_replicas(values: Any) -> Any:
    """Return the sums of a tensor, or of each tensor of a list, over all replicas: the same bits on every one.

    The gradient passes: that of a sum over replicas is the sum of the gradients over replicas.
    """
    if not are_several():
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)
