"""Scaling, clipping and defaults of taus as a part of an exported graph: dense tensors of physical values come in.

A tensor holds, for every feature, the value that ``features.json`` names; NaN where it is not valid or there is no object. A
cell that is NaN in all features of all components is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.features.scaling import ScalingConstants
from TauAdv.features.table import FeatureTable
from TauAdv.models.cms.parts import TAU_INPUT, cell_input
from TauAdv.models.comparison import random_taus
from TauAdv.models.export.dense_inputs import dense_inputs
from TauAdv.models.taus.inputs import TauInputs

__all__ = ["random_values", "scaled_in_numpy", "scaled_in_tensorflow", "scaling_constants"]

_ABSENT = 0.1  # share of random values

Constants = tuple[ScalingConstants, NDArray[np.float32]]


def scaling_constants(table: FeatureTable, network: TauInputs) -> Iterator[tuple[str, str, Constants]]:
    """Yield grid (empty for the tau), name of the tensor, and its scaling constants and defaults."""
    features = table.features("tau")
    yield "", TAU_INPUT, _of(features, next(iter(table.grids)))
    for grid in network.grids:
        for component, (start, stop) in network.component_columns().items():
            yield grid, cell_input(grid, component), _of(table.features("cell")[start:stop], grid)


def _of(features: Any, grid: str) -> Constants:
    return ScalingConstants.of(features, grid), np.array([feature.default for feature in features], np.float32)


def scaled_in_tensorflow(tensors: Mapping[str, tf.Tensor], table: FeatureTable, network: TauInputs) -> dict[str, tf.Tensor]:
    """Return dense tensors as networks read them, step by step as features are made."""
    found: dict[str, tf.Tensor] = {}
    for grid, name, (constants, default) in scaling_constants(table, network):
        x = (tensors[name] - constants.mean) / constants.std
        x = tf.maximum(tf.minimum(x, constants.high), constants.low)
        x = tf.where(tf.math.is_nan(tensors[name]), default, x)
        x = tf.where(tf.math.is_finite(x), x, tf.zeros_like(x))
        found[name] = x if not grid else tf.where(_filled(tensors, grid, network)[..., None], x, tf.zeros_like(x))
    return found


def _filled(tensors: Mapping[str, tf.Tensor], grid: str, network: TauInputs) -> tf.Tensor:
    there = [~tf.reduce_all(tf.math.is_nan(tensors[cell_input(grid, name)]), axis=-1) for name in network.components]
    return tf.reduce_any(tf.stack(there), axis=0)


def scaled_in_numpy(values: Mapping[str, NDArray[Any]], table: FeatureTable, network: TauInputs) -> dict[str, NDArray[Any]]:
    """Return the same with the functions that make shards."""
    found: dict[str, NDArray[Any]] = {}
    for grid, name, (constants, default) in scaling_constants(table, network):
        x = np.where(np.isnan(values[name]), default, constants.apply(values[name]))
        x[~np.isfinite(x)] = 0
        if grid:
            parts = [values[cell_input(grid, component)] for component in network.components]
            x[np.isnan(np.concatenate(parts, axis=-1)).all(axis=-1)] = 0
        found[name] = x
    return found


def random_values(network: TauInputs, table: FeatureTable, n_taus: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return dense tensors of physical values of random taus; some are not valid."""
    rng = np.random.default_rng(seed)
    scaled = dense_inputs(random_taus(network, n_taus, seed), network)
    found = {}
    for grid, name, (constants, _) in scaling_constants(table, network):
        x = constants.invert(scaled[name])
        x[rng.random(x.shape) < _ABSENT] = np.nan
        if grid:
            x[(scaled[name] == 0).all(axis=-1)] = np.nan
        found[name] = x.astype(np.float32)
    return found
