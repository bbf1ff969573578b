"""Parquet files: one table, whose columns are numbers, lists of numbers or fixed arrays of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from TauAdv.errors import InputError
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.formats.tuple_file import TupleFile, TupleFormat

__all__ = ["Parquet"]

_BATCH = 1024  # rows decoded at a time: a row group may hold all rows of a file
#: Bytes of a column are read piece by piece. By default, pyarrow reads the whole row group first.
_PIECEWISE = {"pre_buffer": False, "buffer_size": 1 << 16}


class Parquet(TupleFormat):
    """Parquet files, as pyarrow, awkward, pandas and others write them."""

    name = "Parquet"
    suffixes = (".parquet", ".pq")

    def recognises(self, start: bytes) -> bool:
        """Return whether a file starts as Parquet files do."""
        return start.startswith(b"PAR1")

    @contextmanager
    def open(self, path: Path, tree: str, threads: int = 1) -> Iterator[ParquetTable]:
        """Open a file; it has one table, whatever the tree is called."""
        if path.is_file() and not path.stat().st_size:
            msg = f"{path}: empty file (0 bytes); make or copy it again"
            raise InputError(msg)
        with pq.ParquetFile(str(path), page_checksum_verification=True, **_PIECEWISE) as file:
            yield ParquetTable(path, file, use_threads=threads > 1)


class ParquetTable(TupleFile):
    """The columns of an open file, decoded in small batches.

    Args:
        path: the file.
        file: the open file.
        use_threads: decode columns in parallel.
    """

    def __init__(self, path: Path, file: pq.ParquetFile, *, use_threads: bool) -> None:
        super().__init__(path)
        self._file, self._use_threads = file, use_threads
        lengths = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        self._starts = np.cumsum([0, *lengths])
        self._streams: dict[tuple[str, ...], _Stream] = {}

    @property
    def num_entries(self) -> int:
        """Number of rows."""
        return int(self._starts[-1])

    def find_types(self) -> Mapping[str, BranchType]:
        """Return the type of every column."""
        schema = self._file.schema_arrow
        types = {field.name: _branch_type(field.type) for field in schema}
        for name, number in Counter(schema.names).items():
            if number > 1:
                types[name] = BranchType(types[name].typename, problem=f"the table has {number} columns of this name")
        return types

    def boundaries(self, names: Sequence[str]) -> np.ndarray:
        """Return the first rows of the row groups, and the end."""
        return self._starts

    def release(self) -> None:
        """Let go of columns that were decoded ahead."""
        self._streams = {}

    def arrays(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return records with these columns of the rows from ``start`` to ``stop``.

        Raises:
            InputError: if a column has nulls there.
        """
        table = self._stream(tuple(names), start).take(start, stop) if start < stop else None
        table = self._file.schema_arrow.empty_table() if table is None else table
        found = {name: _content(table.column(name)) for name in names}
        for name, (_, nulls) in found.items():
            if nulls:
                msg = f"{self.path}: branch '{name}' has {nulls} nulls in the entries {start} to {stop - 1}"
                raise InputError(f"{msg}; tau tuples have none: fill them with the absent value, -1 or the lowest number")
        return ak.Array(ak.contents.RecordArray([content for content, _ in found.values()], list(found), table.num_rows))

    def _stream(self, names: tuple[str, ...], start: int) -> _Stream:
        """Return a pass over some columns: that which came just before ``start``, or one from its row group on."""
        group = self._group(start)
        stream = self._streams.get(names)
        if stream is None or stream.position > start or self._group(stream.position) != group:
            groups = range(group, self._file.num_row_groups)
            options = {"columns": list(names), "use_threads": self._use_threads}
            batches = self._file.iter_batches(_BATCH, row_groups=groups, **options)
            stream = self._streams[names] = _Stream(batches, int(self._starts[group]))
        return stream

    def _group(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1


class _Stream:
    """Rows in order; each batch is decoded once, and let go of when its rows were taken or passed over."""

    def __init__(self, batches: Iterator[pa.RecordBatch], position: int) -> None:
        self._batches, self._batch, self.position = batches, next(batches), position

    def take(self, start: int, stop: int) -> pa.Table:
        """Return rows, of which none was taken before."""
        found = [self._batch.slice(0, 0)]
        while self.position < stop:
            if not self._batch.num_rows:
                self._batch = next(self._batches)
            end = start if self.position < start else stop
            taken = min(end - self.position, self._batch.num_rows)
            if self.position >= start:
                found.append(self._batch.slice(0, taken))
            self._batch, self.position = self._batch.slice(taken), self.position + taken
        return pa.Table.from_batches(found)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _branch_type(kind: pa.DataType) -> BranchType:
    typename, shape = str(kind), []
    jagged, content = _is_list(kind), kind.value_type if _is_list(kind) else kind
    while pa.types.is_fixed_size_list(content):
        shape.append(content.list_size)
        content = content.value_type
    if not _is_number(content):
        return BranchType(typename, kind=_in_words(content))
    if jagged and shape:
        return BranchType(typename, kind="lists of arrays")
    return BranchType(typename, np.dtype(content.to_pandas_dtype()), jagged, tuple(shape))


def _in_words(kind: pa.DataType) -> str:
    if _is_list(kind):
        return "lists of lists"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    return "a structure" if pa.types.is_struct(kind) else f"values of the type {kind}"


def _content(column: pa.ChunkedArray) -> tuple[Any, int]:
    """Return a column as the content of an awkward array, and the number of its nulls."""
    array, nulls = column.combine_chunks(), column.null_count
    if nulls:
        return None, nulls
    if not _is_list(array.type):
        return _values(array)
    offsets = array.offsets.to_numpy().astype(np.int64)
    values, nulls = _values(array.values.slice(offsets[0], offsets[-1] - offsets[0]))
    return ak.contents.ListOffsetArray(ak.index.Index64(offsets - offsets[0]), values), nulls


def _values(array: pa.Array) -> tuple[Any, int]:
    """Return numbers, or fixed arrays of numbers."""
    shape, nulls = [len(array)], array.null_count
    while pa.types.is_fixed_size_list(array.type) and not nulls:
        shape.append(array.type.list_size)
        array = array.flatten()
        nulls = array.null_count
    if nulls:
        return ak.contents.EmptyArray(), nulls
    content = ak.contents.NumpyArray(array.to_numpy(zero_copy_only=False).reshape(shape))
    return (content.to_RegularArray() if len(shape) > 1 else content), 0
