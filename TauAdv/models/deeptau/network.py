"""The DeepTau network: flat features and two grids of cells, merged into common features, and its heads.

(TauMLTools, arXiv:2201.08458.) Layer names are those of the CMS network, so that weights move by name.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.deeptau.grid_rows import GridRows, GridRowWeights
from TauAdv.models.deeptau.row_dropout import RowDropout
from TauAdv.models.deeptau.scatter import GridScatter
from TauAdv.models.deeptau.settings import ConvolutionLayer, NetworkSettings
from TauAdv.models.normalisation import WeightedBatchNormalization
from TauAdv.models.tagger import Tagger

__all__ = ["FEATURES_LAYER", "NetworkBuilder", "TauTagger", "build_adversarial", "build_classifier"]

FEATURES_LAYER = "features_concat"


@keras.saving.register_keras_serializable(package="TauAdv")
class TauTagger(Tagger):
    """DeepTau: inputs are the sparse form of a batch of n taus (see :meth:`input_signature`)."""

    settings_type = NetworkSettings
    features_layer = FEATURES_LAYER
    objects = "taus"

    @classmethod
    def parts(cls, network: NetworkSettings, dtype: str, seed: int) -> NetworkBuilder:
        """Return the parts of the network."""
        return NetworkBuilder(network, dtype, seed)

    @classmethod
    def input_signature(cls, network: NetworkSettings, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
        """Return shapes and types of the network inputs, all lengths open: one traced function serves every batch."""
        signature = {"tau": tf.TensorSpec((None, network.tau.n_features), dtype)}
        for grid in network.grids:
            signature[f"{grid}_index"] = tf.TensorSpec((None, 3), tf.int32)
            signature[f"{grid}_cells"] = tf.TensorSpec((None, network.n_cell_features), dtype)
        return signature


def build_classifier(network: NetworkSettings, *, dtype: str = "float32", seed: int = 0) -> TauTagger:
    """Return the network with its class head.

    Args:
        network: settings, for example of :func:`TauAdv.models.deeptau.settings.load_network`.
        dtype: Keras dtype policy, for example ``float32``, ``float64`` or ``mixed_bfloat16``.
        seed: of the initial weights and of dropout; a layer's share of it depends on its name only.

    Returns:
        Model from ``{tau, inner_index, inner_cells, outer_index, outer_cells}`` to class probabilities [n, classes].
    """
    return TauTagger.classifier(network, dtype=dtype, seed=seed)


def build_adversarial(
    network: NetworkSettings, *, dtype: str = "float32", seed: int = 0, k1: float = 1.0, k2: float = 10.0
) -> TauTagger:
    """Return the network with its class head and an adversarial head on the same common features.

    In one backward pass of L_class + L_adv the common layers receive k1 dL_class - k2 dL_adv, each head the plain gradient
    of its own loss (TauMLTools, arXiv:2201.08458).

    Args:
        network: settings.
        dtype: Keras dtype policy.
        seed: of the initial weights and of dropout.
        k1: factor of the class gradient on the common layers.
        k2: factor of the reversed adversarial gradient on the common layers.

    Returns:
        Model with the inputs of the classifier and the outputs ``main_output`` [n, classes] and ``adv_output`` [n, 1], the
        probability to be data.
    """
    return TauTagger.adversarial(network, dtype=dtype, seed=seed, k1=k1, k2=k2)


@dataclass(frozen=True)
class NetworkBuilder:
    """Makes the parts of a network, with names, seeds and number type.

    Attributes:
        network: settings.
        dtype: Keras dtype policy of every layer.
        seed: base of the seeds of all layers.
    """

    network: NetworkSettings
    dtype: str
    seed: int

    def inputs(self) -> dict[str, Any]:
        """Return the symbolic inputs by the keys of a batch."""
        network, dtype = self.network, keras.dtype_policies.get(self.dtype).variable_dtype
        inputs = {"tau": keras.Input((network.tau.n_features,), dtype=dtype, name="tau")}
        for grid in network.grids:
            inputs[f"{grid}_index"] = keras.Input((3,), dtype="int32", name=f"{grid}_index")
            inputs[f"{grid}_cells"] = keras.Input((network.n_cell_features,), dtype=dtype, name=f"{grid}_cells")
        return inputs

    def common_features(self, inputs: dict[str, Any]) -> Any:
        """Return the features [n, ...] that all heads share."""
        tau = inputs["tau"]
        flat = keras.layers.Identity(name="input_tau", dtype=self.dtype)(tau)
        parts = [self.dense_block("tau", flat, self.network.tau.layer_widths(self.network.dropout))]
        parts += [self.grid(grid, inputs[f"{grid}_index"], inputs[f"{grid}_cells"], tau) for grid in self.network.grids]
        return keras.layers.Concatenate(name=FEATURES_LAYER, dtype=self.dtype)(parts)

    def class_head(self, features: Any) -> Any:
        """Return the class probabilities [n, classes]."""
        x = self.dense_block("final", features, self.network.class_head.widths)
        x = self.logits("final_dense_last", self.network.n_classes)(x)
        return keras.layers.Activation("softmax", name="main_output", dtype=self.output_dtype)(x)

    def adversarial_head(self, features: Any) -> Any:
        """Return the probability [n, 1] to be data."""
        x = self.dense_block("final_adv", features, self.network.adversarial_head.widths)
        x = self.logits("final_dense_adv", 1)(x)
        return keras.layers.Activation("sigmoid", name="adv_output", dtype=self.output_dtype)(x)

    @property
    def output_dtype(self) -> str:
        """Number type of logits and probabilities: never a half-precision one."""
        return keras.dtype_policies.get(self.dtype).variable_dtype

    def grid(self, grid: str, index: Any, cells: Any, tau: Any) -> Any:
        """Return the features [n, ...] of one grid."""
        options = self.grid_options(grid)
        weights = GridRowWeights(**options, name=f"{grid}_row_weights")([index, tau])
        merged = []
        for component, columns in self.network.component_columns().items():
            rows = GridRows(columns, **options, name=f"input_{grid}_{component}")([index, cells, tau])
            merged.append(self.row_block(f"{grid}_{component}", rows, weights, self.network.component_widths(component)))
        x = keras.layers.Concatenate(name=f"{grid}_cell_concat", dtype=self.dtype)(merged)

        def scatter(rows: Any) -> Any:
            layer = GridScatter(**options, seed=self.seed_of(f"{grid}_scatter"), name=f"{grid}_scatter")
            return layer([rows, index, tau])

        x = self.row_block(f"{grid}_all", x, weights, self.network.merge_widths(), before_last_dropout=scatter)
        x = self.convolution_block(f"{grid}_all_3x3", x, self.network.grids[grid].convolutions(x.shape[-1]))
        return keras.layers.Flatten(name=f"{grid}_cells_flatten", dtype=self.dtype)(x)

    def grid_options(self, grid: str) -> dict[str, Any]:
        """Return the settings shared by the layers that make, weigh and scatter the rows of a grid."""
        return {
            "n_cells": self.network.grids[grid].n_cells,
            "mode": self.network.grid_mode,
            "n_empty_rows": self.network.n_empty_rows,
            "dtype": self.dtype,
        }

    def dense_block(self, block: str, x: Any, widths: tuple[int, ...]) -> Any:
        """Return ``x`` [n, features] after a stack of fully connected layers."""
        for number, width in enumerate(widths, start=1):
            x = self.linear(f"{block}_dense_{number}", width)(x)
            x = self.normalise(f"{block}_norm_{number}")(x)
            x = self.dropout(f"{block}_dropout_{number}", self.activate(f"{block}_activation_{number}")(x))
        return x

    def row_block(
        self,
        block: str,
        rows: Any,
        weights: Any,
        widths: tuple[int, ...],
        before_last_dropout: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Return rows after a stack of 1x1 convolutions; ``before_last_dropout`` makes grids of them."""
        for number, width in enumerate(widths, start=1):
            rows = self.convolution(f"{block}_conv_{number}", ConvolutionLayer(kernel=1, width=width))(rows)
            rows = self.normalise_rows(f"{block}_norm_{number}", rows, weights)
            rows = self.activate(f"{block}_activation_{number}", shared_axes=(1, 2))(rows)
            name, n_empty_rows = f"{block}_dropout_{number}", self.network.n_empty_rows
            if number == len(widths) and before_last_dropout is not None:
                rows, n_empty_rows = before_last_dropout(rows), 0
            rows = self.grid_dropout(name, rows, n_empty_rows)
        return rows

    def convolution_block(self, block: str, x: Any, layers: tuple[ConvolutionLayer, ...]) -> Any:
        """Return grids [n, eta, phi, features] after the convolutions over neighbouring cells."""
        for number, layer in enumerate(layers, start=1):
            x = self.convolution(f"{block}_conv_{number}", layer)(x)
            x = self.normalise(f"{block}_norm_{number}")(x)
            x = self.activate(f"{block}_activation_{number}", shared_axes=(1, 2))(x)
            x = self.grid_dropout(f"{block}_dropout_{number}", x)
        return x

    def linear(self, name: str, width: int) -> keras.layers.Layer:
        """Return a fully connected layer."""
        return keras.layers.Dense(width, **self.kernel_options(name), name=name, dtype=self.dtype)

    def logits(self, name: str, width: int) -> keras.layers.Layer:
        """Return the last fully connected layer of a head."""
        return keras.layers.Dense(width, **self.kernel_options(name), name=name, dtype=self.output_dtype)

    def convolution(self, name: str, layer: ConvolutionLayer) -> keras.layers.Layer:
        """Return a convolution with valid padding."""
        return keras.layers.Conv2D(
            layer.width, layer.kernel, strides=layer.stride, **self.kernel_options(name), name=name, dtype=self.dtype
        )

    def normalise(self, name: str) -> keras.layers.Layer:
        """Return a batch normalisation in which all rows count alike."""
        return WeightedBatchNormalization(**self.normalisation_options(name))

    def normalise_rows(self, name: str, rows: Any, weights: Any) -> Any:
        """Return normalised rows: unweighted in dense mode, where every cell is a row."""
        if self.network.grid_mode == "dense":
            return self.normalise(name)(rows)
        return WeightedBatchNormalization(**self.normalisation_options(name))(rows, weights)

    def normalisation_options(self, name: str) -> dict[str, Any]:
        """Return momentum, epsilon, name and number type of a batch normalisation."""
        return {**self.network.normalisation.model_dump(), "name": name, "dtype": self.dtype}

    def activate(self, name: str, shared_axes: tuple[int, ...] | None = None) -> keras.layers.Layer:
        """Return a PReLU, shared over the cells."""
        return keras.layers.PReLU(shared_axes=shared_axes, name=name, dtype=self.dtype)

    def dropout(self, name: str, x: Any) -> Any:
        """Return ``x`` after dropout, if the network has any."""
        if self.network.dropout == 0:
            return x
        return keras.layers.Dropout(self.network.dropout, seed=self.seed_of(name), name=name, dtype=self.dtype)(x)

    def grid_dropout(self, name: str, x: Any, n_empty_rows: int = 0) -> Any:
        """Return grids, or rows of which the last ``n_empty_rows`` stand for empty cells, after dropout."""
        if self.network.dropout == 0 or self.network.grid_mode == "dense":
            return self.dropout(name, x)
        return RowDropout(self.network.dropout, n_empty_rows, seed=self.seed_of(name), name=name, dtype=self.dtype)(x)

    def kernel_options(self, name: str) -> dict[str, Any]:
        """Return initialisation and penalty of a kernel."""
        penalty = keras.regularizers.L2(self.network.l2) if self.network.l2 else None
        return {
            "kernel_initializer": keras.initializers.HeUniform(seed=self.seed_of(name)),
            "kernel_regularizer": penalty,
        }

    def seed_of(self, name: str) -> int:
        """Return the seed of one layer."""
        return zlib.crc32(f"{self.seed}:{name}".encode()) % 2**31
