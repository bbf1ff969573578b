"""The types of rows that shards hold, by name."""

from __future__ import annotations

from typing import Any

from TauAdv.errors import InputError
from TauAdv.shards.jet.layout import JET_ROWS
from TauAdv.shards.row_layout import RowLayout, RowTable, RowType
from TauAdv.shards.tau.layout import TAU_ROWS

__all__ = [
    "FIRST",
    "INPUT_NAMES",
    "ROW_TYPES",
    "VECTORS",
    "differing_features",
    "layout_of",
    "read_table",
    "row_type",
    "rows_of",
]

ROW_TYPES = {rows.name: rows for rows in (TAU_ROWS, JET_ROWS)}
FIRST = TAU_ROWS.name
"""What rows are of sets whose manifest does not say it: the earliest ones."""
VECTORS = " or ".join(rows.name for rows in ROW_TYPES.values() if rows.is_vector)
"""Rows that are one vector of quantities, in words."""
INPUT_NAMES = tuple(name for rows in ROW_TYPES.values() for name in rows.input_names)
"""Names of the inputs of all networks."""


def row_type(name: str, source: str) -> RowType:
    """Return a type of rows by its name; ``source`` goes into error messages.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in ROW_TYPES:
        known = " or ".join(ROW_TYPES)
        msg = f"{source}: rows of an unknown kind '{name}'; expected {known}; the shards were made by a newer version"
        raise InputError(msg)
    return ROW_TYPES[name]


def read_table(rows: str, text: str, source: str) -> RowTable:
    """Return the feature table of ``taus`` or ``jets`` in a text; ``source`` goes into error messages.

    Raises:
        InputError: if rows are neither.
        ConfigError: if the text is not such a table.
    """
    return row_type(rows, source).table.from_text(text, source)


def layout_of(rows: str, table: Any) -> RowLayout:
    """Return how rows with the features of a table are stored and read."""
    return row_type(rows, table.name).layout.of(table)


def differing_features(one: RowTable, other: RowTable) -> str:
    """Return, in words, what differs between two tables."""
    rows, others = (rows_of(table) for table in (one, other))
    if rows is not others:
        return f"everything: one is of {rows.name}, the other of {others.name}"
    paths = rows.differences(one, other)
    if not paths:
        return "order, grids or selections of objects"
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more features" if len(paths) > 5 else "")


def rows_of(table: RowTable) -> RowType:
    """Return the type of the rows whose features a table holds.

    Raises:
        InputError: it is no feature table.
    """
    found = next((rows for rows in ROW_TYPES.values() if isinstance(table, rows.table)), None)
    if found is None:
        msg = f"expected a feature table, its name or its YAML file; received a {type(table).__name__}"
        raise InputError(msg)
    return found
