"""A function of a batch applied to chunks of it, whose intermediate results stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

__all__ = ["apply_in_chunks"]

Tensors = dict[str, tf.Tensor]


def apply_in_chunks(
    function: Callable[[Tensors], Tensors], inputs: Tensors, *, grids: Sequence[str], outputs: Sequence[str], size: int
) -> dict[str, tf.Tensor]:
    """Return the outputs of ``function`` for all taus, computed for ``size`` of them at a time.

    Args:
        function: from network inputs of any number of taus to outputs [n, ...] by name, of the number type of the inputs.
        inputs: network inputs of n taus.
        grids: names of the grids.
        outputs: names of the outputs.
        size: taus per chunk.
    """
    n_taus = tf.shape(inputs["tau"])[0]
    n_chunks = tf.maximum(1, -(-n_taus // size))
    ordered = dict(inputs)
    for grid in grids:
        index, cells = _ordered_by_tau(inputs[f"{grid}_index"], inputs[f"{grid}_cells"])
        ordered |= {f"{grid}_index": index, f"{grid}_cells": cells}

    def compute_chunk(number: tf.Tensor, results: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
        start = number * size
        found = function(_between(ordered, grids, start, tf.minimum(start + size, n_taus)))
        return number + 1, [array.write(number, found[name]) for name, array in zip(outputs, results, strict=True)]

    results = [tf.TensorArray(inputs["tau"].dtype, n_chunks, infer_shape=False) for _ in outputs]
    _, results = tf.while_loop(lambda number, _: number < n_chunks, compute_chunk, (0, results), parallel_iterations=1)
    return {name: array.concat() for name, array in zip(outputs, results, strict=True)}


def _ordered_by_tau(index: tf.Tensor, cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the cells of a grid in order of their taus: as they are, if they come so from the shards."""
    taus = index[:, 0]

    def sort() -> tuple[tf.Tensor, tf.Tensor]:
        order = tf.argsort(taus, stable=True)
        return tf.gather(index, order), tf.gather(cells, order)

    return tf.cond(tf.reduce_all(taus[1:] >= taus[:-1]), lambda: (index, cells), sort)


def _between(inputs: Tensors, grids: Sequence[str], start: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the network inputs of the taus from ``start`` to ``stop``; cells are in order of taus."""
    part = {"tau": inputs["tau"][start:stop]}
    for grid in grids:
        index = inputs[f"{grid}_index"]
        first, last = tf.unstack(tf.searchsorted(index[:, 0], tf.stack([start, stop])))
        part[f"{grid}_index"] = index[first:last] - tf.stack([start, 0, 0])
        part[f"{grid}_cells"] = inputs[f"{grid}_cells"][first:last]
    return part
