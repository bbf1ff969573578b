"""Records as Arrow tables and back: numbers and lists of numbers by their buffers, all else by awkward."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
from awkward.contents import ListOffsetArray, NumpyArray
from awkward.index import Index32

from TauAdv.tuples.branches.records import contents_of, of_columns, plain_lists, plain_numbers

__all__ = ["from_table", "to_table"]

_LARGEST_OFFSET = np.iinfo(np.int32).max


def to_table(records: ak.Array) -> pa.Table:
    """Return a table with one column a branch, without nulls; lists have offsets of 32 bits."""
    columns = {name: _column(layout) for name, layout in contents_of(records).items()}
    fields = [pa.field(name, column.type, nullable=False) for name, column in columns.items()]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))


def _column(layout: Any) -> pa.Array:
    numbers, lists = plain_numbers(layout), plain_lists(layout)
    if numbers is not None and numbers.ndim == 1:
        return pa.array(numbers)
    if lists is not None and lists[0][-1] <= _LARGEST_OFFSET:
        values = pa.array(lists[1])
        kind = pa.list_(pa.field("item", values.type, nullable=False))
        return pa.ListArray.from_arrays(pa.array(lists[0].astype(np.int32)), values, type=kind)
    return ak.to_arrow(ak.to_packed(ak.Array(layout)), list_to32=True, extensionarray=False)


def from_table(table: pa.Table) -> ak.Array:
    """Return the records of a table without nulls; their buffers are those of the table."""
    whole = table.combine_chunks()
    return of_columns({name: _layout(whole.select([name])) for name in whole.column_names}, whole.num_rows)


def _layout(table: pa.Table) -> Any:
    if table[0].num_chunks != 1 or table[0].null_count:
        return _by_awkward(table)
    (array,) = table[0].chunks
    if _is_number(array.type):
        return NumpyArray(array.to_numpy(zero_copy_only=False))
    if pa.types.is_list(array.type) and _is_number(array.type.value_type) and not array.values.null_count:
        return ListOffsetArray(Index32(array.offsets.to_numpy()), NumpyArray(array.values.to_numpy(zero_copy_only=False)))
    return _by_awkward(table)


def _by_awkward(table: pa.Table) -> Any:
    return ak.from_arrow(table)[table.column_names[0]].layout


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
