"""What shards must know of the rows that they hold, taus or jets: how to pack, store and feed them to a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.commands import command

__all__ = ["PackedRows", "RowLayout", "RowTable", "RowType", "UnpackedRows"]


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

    def from_inputs(self, inputs: Mapping[str, NDArray[Any]]) -> Any:
        """Return the unpacked rows that network inputs of these types and shapes are of."""


@dataclass(frozen=True)
class RowType:
    """A type of row, and what is to be known of it wherever sets of shards are used.

    Attributes:
        name: what rows are called: ``taus``, ``jets``.
        table: class of the feature tables, read by ``from_text(text, source)``.
        layout: class of the layouts, made by ``of(table)``.
        differences: from two tables to the names of the features that differ.
        feature_names: from a table and the name of an input to the names of its columns.
        input_names: the inputs of networks.
        is_vector: whether a row is one vector of scaled physical quantities, whose shapes and losses can be drawn.
        same: columns that are equal if and only if rows of two sets are the same tau or jet.
        domains: what rows of an adversarial set are called, by label 0 and 1.
        both_domains: what adaptation compares.
        made_by: command that makes sets, a key of :data:`TauAdv.commands.SCRIPTS`.
        options: from the kind of a set to the options of that command that make one.
        scores: columns of prediction tables besides the probabilities: name -> discriminator
            (:mod:`TauAdv.domain.discriminators`).
        from_arrays: from a table, physical values in memory and extraction settings to unpacked rows.
        extraction: settings of a set, besides the table, that decide its features: name -> type.
        tuple_columns: from a table to the branches of tuples that its features need; ``None``: rows are not in tuples.
        tuple_identity: branches of tuples that say which row it is, as far as they are there.
        physical: from a table and the inputs of a network to the physical values that prediction tables carry, by name.
    """

    name: str
    table: Any
    layout: Any
    differences: Callable[[Any, Any], list[str]]
    feature_names: Callable[[Any, str], list[str]]
    input_names: Sequence[str]
    is_vector: bool
    same: Sequence[str]
    domains: tuple[str, str]
    both_domains: str
    made_by: str
    options: Callable[[str], str]
    scores: Mapping[str, str]
    from_arrays: Callable[..., Any]
    extraction: Mapping[str, Any]
    tuple_columns: Callable[[Any], Sequence[str]] | None
    tuple_identity: Sequence[str]
    physical: Callable[[Any, Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]

    def making(self, kind: str) -> str:
        """Return the command that makes a set of a kind, as the user calls it."""
        return f"{command(self.made_by)}{self.options(kind)}"

    @property
    def singular(self) -> str:
        """What one row is called."""
        return self.name.removesuffix("s")
