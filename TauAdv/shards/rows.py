"""Rows in memory as networks read them: of tuples, or of arrays that somebody made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
from numpy.typing import NDArray

from TauAdv.arguments import require_type
from TauAdv.errors import ConfigError, InputError, nearest
from TauAdv.shards.row_layout import RowType
from TauAdv.shards.row_types import layout_of, rows_of
from TauAdv.tuples.branches.numbers import as_array, numbers
from TauAdv.tuples.sources import TupleSource

__all__ = ["Rows", "require_extraction", "rows_of_arrays", "rows_of_tuples"]


@dataclass(frozen=True)
class Rows:
    """Rows in memory, as networks read them.

    Attributes:
        features: ``SparseTaus``, or ``ScaledJets``.
        columns: what else is known of the rows, such as run, lumi and evt: name -> [n].
        table: the feature table that they were made with.
    """

    features: Any
    columns: Mapping[str, NDArray[Any]]
    table: Any

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        return f"<{len(self)} {rows_of(self.table).name} with the features of {self.table.name}>"

    def __str__(self) -> str:
        shapes = ", ".join(f"{name} {list(values.shape)}" for name, values in self.inputs().items())
        known = f"\n  columns: {', '.join(self.columns)}" if self.columns else ""
        return f"{len(self)} {rows_of(self.table).name} with the features of {self.table.name}\n  inputs: {shapes}{known}"

    def inputs(self) -> dict[str, NDArray[Any]]:
        """Return the inputs of a network by name."""
        return self.features.as_inputs()


def rows_of_tuples(
    reader: TupleSource, table: Any, rows: RowType, extraction: Mapping[str, Any], *, rows_at_once: int
) -> Iterator[Rows]:
    """Yield the rows of tuples in pieces, one row per entry, with run, lumi, evt, ... as far as the tuples have them.

    Args:
        reader: of the tuples.
        table: feature table.
        rows: what the rows are.
        extraction: settings besides the table that decide features (:attr:`TauAdv.shards.row_layout.RowType.extraction`).
        rows_at_once: most rows of a piece.

    Raises:
        InputError: such rows are not in tuples, or the tuples lack branches (names them).
    """
    if rows.tuple_columns is None:
        msg = f"{reader.files[0]}: holds tuples of taus; expected {rows.name}, as a set of shards or as arrays"
        raise InputError(msg)
    known = [name for name in rows.tuple_identity if name in reader.branches]
    branches = list(dict.fromkeys([*known, *rows.tuple_columns(table)]))
    require_extraction(extraction, rows)
    for arrays in _pieces(reader, branches, rows_at_once):
        features = rows.from_arrays(table, arrays, **extraction)
        yield Rows(features, {name: ak.to_numpy(arrays[name]) for name in known}, table)


def _pieces(reader: TupleSource, branches: list[str], rows_at_once: int) -> Iterator[ak.Array]:
    if reader.num_entries == 0:
        yield reader.empty(branches)
    yield from reader.iterate(branches, step_size=rows_at_once)


def rows_of_arrays(arrays: Any, table: Any, rows: RowType, extraction: Mapping[str, Any]) -> Rows:
    """Return rows of arrays in memory.

    Args:
        arrays: physical values (:attr:`TauAdv.shards.row_layout.RowType.from_arrays`); or the inputs of a network by name,
            as ``Rows.inputs`` gives them, which are taken as they are.
        table: feature table.
        rows: what the rows are.
        extraction: settings besides the table that decide features.

    Raises:
        InputError: neither of these, missing names, or other shapes.
    """
    require_extraction(extraction, rows)
    if isinstance(arrays, Mapping) and set(rows.input_names) & set(arrays):
        return Rows(layout_of(rows.name, table).from_inputs(_checked(arrays, table, rows)), {}, table)
    return Rows(rows.from_arrays(table, arrays, **extraction), {}, table)


def _checked(arrays: Mapping[str, Any], table: Any, rows: RowType) -> dict[str, NDArray[Any]]:
    """Return inputs of a network with the types that they have, after a check of names and shapes."""
    expected = layout_of(rows.name, table).input_shapes()
    if missing := [name for name in rows.input_names if name not in arrays]:
        msg = f"inputs of a network of {rows.name}: expected {', '.join(rows.input_names)}; missing {', '.join(missing)}"
        raise InputError(msg)
    found: dict[str, NDArray[Any]] = {}
    for name, (dtype, shape) in expected.items():
        if name in arrays:
            values = numbers(as_array(arrays[name], f"input {name}"), f"input {name}")
            if len(values.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, values.shape, strict=True)):
                wanted = ["n" if length is None else length for length in shape]
                msg = f"input {name}: expected the shape {wanted}, received {list(values.shape)}".replace("'", "")
                raise InputError(msg)
            found[name] = values.astype(dtype)
    return found


def require_extraction(extraction: Mapping[str, Any], rows: RowType) -> None:
    """Refuse settings of features that rows do not have, or of other types.

    Raises:
        ConfigError: names the first that they do not have.
        InputError: names the first of another type.
    """
    if unknown := [name for name in extraction if name not in rows.extraction]:
        known = ", ".join(rows.extraction) or "no such settings"
        msg = f"features of {rows.name}: unknown setting '{unknown[0]}'{nearest(unknown[0], list(rows.extraction))}"
        raise ConfigError(f"{msg}; there are {known}")
    for name, value in extraction.items():
        require_type(value, rows.extraction[name], name, f"features of {rows.name}")
