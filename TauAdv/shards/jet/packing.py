"""Jets in shards: scaled inputs and a bit per input that says where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.jets.features import JetFeatures

__all__ = ["JET_IDENTITY", "JetLayout", "PackedJets", "ScaledJets"]

JET_IDENTITY = ("source", "line", "jet_id", "dataset_id", "flavor", "jet_pt", "jet_eta", "n_tracks")
"""Columns that say which jet a row is: input (0, 1, ...) and line of the dataset, hash of the content, raw quantities."""


@dataclass(frozen=True)
class ScaledJets:
    """Inputs of a jet network.

    Attributes:
        x: float32 [n, f], scaled.
        x_default: bool [n, f], true where ``x`` is a default or padding.
    """

    x: NDArray[np.float32]
    x_default: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.int64] | slice) -> ScaledJets:
        """Return the jets ``rows`` in that order."""
        return ScaledJets(self.x[rows], self.x_default[rows])

    @classmethod
    def concatenate(cls, parts: Sequence[ScaledJets]) -> ScaledJets:
        """Return the jets of one or more parts, in order."""
        return cls(np.concatenate([part.x for part in parts]), np.concatenate([part.x_default for part in parts]))

    def as_inputs(self) -> dict[str, NDArray[Any]]:
        """Return both by name."""
        return {"x": self.x, "x_default": self.x_default}


@dataclass(frozen=True)
class PackedJets:
    """The same with the mask as bits.

    Attributes:
        x: float32 [n, f].
        bits: uint8 [n, ceil(f / 8)].
    """

    x: NDArray[np.float32]
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, x: NDArray[np.float32], x_default: NDArray[np.bool_]) -> PackedJets:
        """Return scaled inputs packed."""
        return cls(x, np.packbits(x_default, axis=1))

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.int64]) -> PackedJets:
        """Return the jets ``rows`` in that order (repeats allowed)."""
        return PackedJets(self.x.take(rows, axis=0), self.bits.take(rows, axis=0))


@dataclass(frozen=True)
class JetLayout:
    """The :class:`TauAdv.shards.row_layout.RowLayout` of jets.

    Attributes:
        num_features: inputs of a jet.
        classes: names of the flavours in the order of the labels.
    """

    num_features: int
    classes: tuple[str, ...]

    rows = "jets"
    identity = JET_IDENTITY
    key = ("jet_id",)

    @classmethod
    def of(cls, features: JetFeatures) -> JetLayout:
        """Return the layout of jets with these features."""
        return cls(len(features), tuple(features.table.class_names))

    def fields(self) -> dict[str, pa.DataType]:
        """Return the arrays that a chunk is stored as, and the types of their items."""
        return {"x": pa.float32(), "bits": pa.uint8()}

    def encode(self, packed: PackedJets) -> list[NDArray[Any]]:
        """Return one flat array per field, jet after jet."""
        return [packed.x.ravel(), packed.bits.ravel()]

    def decode(self, arrays: Sequence[NDArray[Any]]) -> PackedJets:
        """Return the jets that :meth:`encode` made the arrays of; without compression they are still on disk."""
        x, bits = arrays
        return PackedJets(x.reshape(-1, self.num_features), bits.reshape(-1, -(-self.num_features // 8)))

    def concatenate(self, parts: Sequence[PackedJets]) -> PackedJets:
        """Return the jets of one or more parts, in order."""
        if len(parts) == 1:
            return parts[0]
        return PackedJets(np.concatenate([part.x for part in parts]), np.concatenate([part.bits for part in parts]))

    def unpack(self, packed: PackedJets) -> ScaledJets:
        """Return the jets with a boolean mask."""
        return ScaledJets(packed.x, np.unpackbits(packed.bits, axis=1, count=self.num_features).view(bool))

    def empty(self) -> ScaledJets:
        """Return no jets."""
        return ScaledJets(np.empty((0, self.num_features), np.float32), np.empty((0, self.num_features), bool))

    def input_shapes(self) -> dict[str, tuple[type, tuple[int | None, ...]]]:
        """Return dtype and shape of the network's inputs; ``None`` for the number of jets."""
        return {"x": (np.float32, (None, self.num_features)), "x_default": (np.bool_, (None, self.num_features))}

    def from_inputs(self, inputs: Mapping[str, NDArray[Any]]) -> ScaledJets:
        """Return the jets whose ``as_inputs()`` these are; without ``x_default``, no value is a default."""
        x = inputs["x"]
        return ScaledJets(x, inputs.get("x_default", np.zeros(x.shape, bool)))
