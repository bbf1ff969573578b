"""What the settings of every network of taus say of its inputs, whatever it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["GridInput", "TauInputs", "VectorInput", "columns_of"]


class VectorInput(Protocol):
    """The flat features, or one component of a cell."""

    @property
    def n_features(self) -> int:
        """Number of features."""


class GridInput(Protocol):
    """A square grid of cells."""

    @property
    def n_cells(self) -> int:
        """Cells along eta and along phi."""


class TauInputs(Protocol):
    """The inputs of a network of taus."""

    @property
    def name(self) -> str:
        """Name of the network."""

    @property
    def tau(self) -> VectorInput:
        """The flat features."""

    @property
    def components(self) -> Mapping[str, VectorInput]:
        """Objects of a cell, in the order of their columns in the cell features."""

    @property
    def grids(self) -> Mapping[str, GridInput]:
        """``inner`` and ``outer``."""

    @property
    def n_cell_features(self) -> int:
        """Number of features of a cell, all components together."""

    def component_columns(self) -> dict[str, tuple[int, int]]:
        """Return the first and one-past-last column of each component in the cell features."""


def columns_of(components: Mapping[str, VectorInput]) -> dict[str, tuple[int, int]]:
    """Return the first and one-past-last column of each component in the features of a cell."""
    columns, start = {}, 0
    for name, component in components.items():
        columns[name] = (start, start + component.n_features)
        start += component.n_features
    return columns
