"""A transformer over the filled cells of a tau (A. Vaswani et al., arXiv:1706.03762), and its heads.

Layers are normalised before attention and feed-forward block (pre-norm). The last attention has the token of the tau as its
only query, as the class attention of H. Qu et al., arXiv:2202.03772. No layer knows of other taus of the batch.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.tagger import Tagger
from TauAdv.models.tau_transformer.settings import TransformerSettings
from TauAdv.models.tau_transformer.tokens import CellPosition, FirstToken, FromGroups, TokenGroup, TokenGroupMask

__all__ = ["TauTransformer"]


@keras.saving.register_keras_serializable(package="TauAdv")
class TauTransformer(Tagger):
    """Transformer of taus: inputs are the sparse form of a batch, as those of DeepTau."""

    settings_type = TransformerSettings
    features_layer = "features_concat"
    objects = "taus"

    @classmethod
    def parts(cls, network: TransformerSettings, dtype: str, seed: int) -> _Builder:
        """Return the parts of the network."""
        return _Builder(network, dtype, seed)

    @classmethod
    def input_signature(cls, network: TransformerSettings, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
        """Return shapes and types of the network inputs, all lengths open."""
        signature = {"tau": tf.TensorSpec((None, network.tau.n_features), dtype)}
        for grid in network.grids:
            signature[f"{grid}_index"] = tf.TensorSpec((None, 3), tf.int32)
            signature[f"{grid}_cells"] = tf.TensorSpec((None, network.n_cell_features), dtype)
        return signature


@dataclass(frozen=True)
class _Builder:
    network: TransformerSettings
    dtype: str
    seed: int

    def inputs(self) -> dict[str, Any]:
        network, dtype = self.network, self.output_dtype
        inputs = {"tau": keras.Input((network.tau.n_features,), dtype=dtype, name="tau")}
        for grid in network.grids:
            inputs[f"{grid}_index"] = keras.Input((3,), dtype="int32", name=f"{grid}_index")
            inputs[f"{grid}_cells"] = keras.Input((network.n_cell_features,), dtype=dtype, name=f"{grid}_cells")
        return inputs

    @property
    def output_dtype(self) -> str:
        """Number type of inputs, logits and probabilities: never a half-precision one."""
        return keras.dtype_policies.get(self.dtype).variable_dtype

    def common_features(self, inputs: dict[str, Any]) -> Any:
        """Return the features [n, ...] that all heads share: those of the flat features, and the token of the tau."""
        flat = inputs["tau"]
        for number, width in enumerate(self.network.tau.widths, start=1):
            flat = self.normalised(f"tau_norm_{number}")(self.dense(f"tau_dense_{number}", width)(flat))
            flat = keras.layers.Activation("relu", name=f"tau_activation_{number}", dtype=self.dtype)(flat)
            flat = self.dropout(f"tau_dropout_{number}")(flat)
        own = self.attended(self.dense("tau_token", self.network.width)(flat), inputs)
        return keras.layers.Concatenate(name=TauTransformer.features_layer, dtype=self.dtype)([flat, own])

    def attended(self, own: Any, inputs: dict[str, Any]) -> Any:
        """Return the tokens [n, width] of the taus after they looked at their cells."""
        indices = [inputs[f"{grid}_index"] for grid in self.network.grids]
        cells = [self.cell_tokens(grid, inputs[f"{grid}_index"], inputs[f"{grid}_cells"]) for grid in self.network.grids]
        if len(cells) > 1:
            cells = [keras.layers.Concatenate(axis=0, name="cell_tokens", dtype=self.dtype)(cells)]
        blocks = [self.block(number, of_all=True) for number in range(1, self.network.layers + 1)]
        blocks.append(self.block(self.network.layers + 1, of_all=False))
        n_groups, dtype = self.network.groups, self.dtype
        found = []
        for group in range(n_groups):
            tokens = TokenGroup(n_groups, group, name=f"tokens_{group}", dtype=dtype)([own, *cells, *indices])
            mask = TokenGroupMask(n_groups, group, name=f"mask_{group}", dtype=dtype)([own, *indices])
            for block in blocks:
                tokens = block(tokens, mask)
            found.append(tokens)
        joint = FromGroups(n_groups, name="own_tokens", dtype=dtype)([own, *indices, *found])
        return self.normalised("own_norm")(joint)

    def cell_tokens(self, grid: str, index: Any, cells: Any) -> Any:
        """Return the tokens [m, width] of the filled cells of a grid, from their features and positions."""
        position = CellPosition(self.network.grids[grid].n_cells, name=f"{grid}_position", dtype=self.dtype)(index)
        x = keras.layers.Concatenate(name=f"{grid}_concat", dtype=self.dtype)([cells, position])
        x = self.dense(f"{grid}_embedding_1", self.network.embedding, "relu")(x)
        return self.dense(f"{grid}_embedding_2", self.network.width)(x)

    def block(self, number: int, *, of_all: bool) -> Callable[[Any, Any], Any]:
        """Return an attention with its feed-forward block: from tokens and mask to all tokens, or to those of the taus.

        Its layers are made once and serve all groups of taus.
        """
        network, name = self.network, f"attention_{number}"
        first = None if of_all else FirstToken(name=f"{name}_first", dtype=self.dtype)
        norm, attend, add = self.normalised(f"{name}_norm"), self.attention(name), self.added(f"{name}_sum")
        name = f"feed_forward_{number}"
        next_norm, next_add = self.normalised(f"{name}_norm"), self.added(f"{name}_sum")
        widen, narrow = self.dense(f"{name}_1", network.feed_forward, "relu"), self.dense(f"{name}_2", network.width)

        def apply(tokens: Any, mask: Any) -> Any:
            looked_at = norm(tokens)
            asking, x = (looked_at, tokens) if first is None else (first(looked_at), first(tokens))
            x = add(x, attend(asking, looked_at, attention_mask=mask))
            return next_add(x, narrow(widen(next_norm(x))))

        return apply

    def attention(self, name: str) -> keras.layers.Layer:
        """Return an attention; what is not in the mask has no influence."""
        return keras.layers.MultiHeadAttention(
            self.network.heads,
            self.network.width // self.network.heads,
            kernel_initializer=self.kernel(name),
            name=name,
            dtype=self.dtype,
        )

    def added(self, name: str) -> Callable[[Any, Any], Any]:
        """Return what adds a change to tokens; some of it is dropped in training."""
        add, drop = keras.layers.Add(name=name, dtype=self.dtype), self.dropout(f"{name}_dropout")
        return lambda x, change: add([x, drop(change)])

    def class_head(self, features: Any) -> Any:
        """Return the class probabilities [n, classes]."""
        x = self.hidden("final", features, self.network.class_head.widths)
        x = self.logits("final_dense_last", self.network.n_classes)(x)
        return keras.layers.Activation("softmax", name="main_output", dtype=self.output_dtype)(x)

    def adversarial_head(self, features: Any) -> Any:
        """Return the probability [n, 1] to be data."""
        x = self.logits("final_dense_adv", 1)(self.hidden("final_adv", features, self.network.adversarial_head.widths))
        return keras.layers.Activation("sigmoid", name="adv_output", dtype=self.output_dtype)(x)

    def hidden(self, block: str, x: Any, widths: tuple[int, ...]) -> Any:
        """Return ``x`` [n, features] after the hidden layers of a head."""
        for number, width in enumerate(widths, start=1):
            x = self.dropout(f"{block}_dropout_{number}")(self.dense(f"{block}_dense_{number}", width, "relu")(x))
        return x

    def dense(self, name: str, width: int, activation: str | None = None) -> keras.layers.Layer:
        """Return a fully connected layer."""
        return keras.layers.Dense(width, activation, kernel_initializer=self.kernel(name), name=name, dtype=self.dtype)

    def logits(self, name: str, width: int) -> keras.layers.Layer:
        """Return the last layer of a head: losses read it, never in half precision."""
        return keras.layers.Dense(width, kernel_initializer=self.kernel(name), name=name, dtype=self.output_dtype)

    def normalised(self, name: str) -> keras.layers.Layer:
        """Return the normalisation of every row over its own features."""
        return keras.layers.LayerNormalization(epsilon=self.network.epsilon, name=name, dtype=self.dtype)

    def dropout(self, name: str) -> keras.layers.Layer:
        """Return dropout, if the network has any."""
        if self.network.dropout == 0:
            return keras.layers.Identity(name=name, dtype=self.dtype)
        return keras.layers.Dropout(self.network.dropout, seed=self.seed_of(name), name=name, dtype=self.dtype)

    def kernel(self, name: str) -> keras.initializers.Initializer:
        """Return the initialisation of the kernel of one layer."""
        return keras.initializers.GlorotUniform(seed=self.seed_of(name))

    def seed_of(self, name: str) -> int:
        """Return the seed of one layer."""
        return zlib.crc32(f"{self.seed}:{name}".encode()) % 2**31
