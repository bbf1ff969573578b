"""What shards must know of the rows that they hold, taus or jets: how to pack, store and feed them to a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["PackedRows", "RowLayout", "RowTable", "UnpackedRows"]


class RowTable(Protocol):
    """Table of the features of a kind of row, as far as shards need it."""

    @property
    def name(self) -> str:
        """Name of the table."""

    @property
    def digest(self) -> str:
        """Sha256 (hex) of all that decides the features."""


class PackedRows(Protocol):
    """Features of some rows in the form in which they are stored and shuffled."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the rows in that order (repeats allowed)."""


class UnpackedRows(Protocol):
    """Features of some rows in the form in which networks read them."""

    def as_inputs(self) -> dict[str, NDArray[Any]]:
        """Return the network's inputs by name."""


class RowLayout(Protocol):
    """A kind of row: how it is packed, stored, and read by a network."""

    @property
    def rows(self) -> str:
        """What rows are called: ``taus``, ``jets``."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in the order of the labels."""

    @property
    def identity(self) -> Sequence[str]:
        """Columns that say which tau or jet a row is."""

    @property
    def key(self) -> Sequence[str]:
        """Columns whose values decide in which part of a split a row is."""

    def fields(self) -> Mapping[str, pa.DataType]:
        """Return the arrays that a chunk is stored as, and the types of their items."""

    def encode(self, packed: Any) -> list[NDArray[Any]]:
        """Return one flat array per field."""

    def decode(self, arrays: Sequence[NDArray[Any]]) -> Any:
        """Return the packed rows that :meth:`encode` made the arrays of."""

    def concatenate(self, parts: Sequence[Any]) -> Any:
        """Return the packed rows of one or more parts, in order."""

    def unpack(self, packed: Any) -> Any:
        """Return the unpacked rows."""

    def empty(self) -> Any:
        """Return no rows, unpacked."""

    def input_shapes(self) -> dict[str, tuple[type, tuple[int | None, ...]]]:
        """Return dtype and shape of the network's inputs by name; ``None`` for lengths that vary."""
