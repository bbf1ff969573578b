"""The dense tensors of DeepTau, for formats whose users do not know the sparse form of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.cms.parts import TAU_INPUT, cell_input
from TauAdv.models.taus.inputs import TauInputs

__all__ = ["dense_inputs", "dense_shapes", "sparse_inputs"]


def dense_shapes(network: TauInputs) -> dict[str, tuple[int, ...]]:
    """Return the shape for one tau of every dense tensor by name, in the order of the original network."""
    shapes: dict[str, tuple[int, ...]] = {TAU_INPUT: (network.tau.n_features,)}
    for grid, settings in network.grids.items():
        for name, component in network.components.items():
            shapes[cell_input(grid, name)] = (settings.n_cells, settings.n_cells, component.n_features)
    return shapes


def dense_inputs(inputs: Mapping[str, Any], network: TauInputs) -> dict[str, NDArray[Any]]:
    """Return the dense tensors of a batch of network inputs, in their precision; empty cells are zeros."""
    tau = np.asarray(inputs["tau"])
    tensors = {name: np.zeros((len(tau), *shape), tau.dtype) for name, shape in dense_shapes(network).items()}
    tensors[TAU_INPUT] = tau
    for grid in network.grids:
        index, cells = np.asarray(inputs[f"{grid}_index"]), np.asarray(inputs[f"{grid}_cells"])
        for name, (start, stop) in network.component_columns().items():
            tensors[cell_input(grid, name)][tuple(index.T)] = cells[:, start:stop]
    return tensors


def sparse_inputs(tensors: Mapping[str, tf.Tensor], network: TauInputs) -> dict[str, tf.Tensor]:
    """Return the network inputs of dense tensors; cells without any non-zero feature are left out."""
    inputs = {"tau": tensors[TAU_INPUT]}
    for grid in network.grids:
        cells = tf.concat([tensors[cell_input(grid, name)] for name in network.components], axis=-1)
        index = tf.where(tf.reduce_any(cells != 0, axis=-1))
        inputs[f"{grid}_index"] = tf.cast(index, tf.int32)
        inputs[f"{grid}_cells"] = tf.gather_nd(cells, index)
    return inputs
