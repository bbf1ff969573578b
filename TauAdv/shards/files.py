"""The two Arrow files of a part: ``features-*.arrow`` (packed features) and ``taus-*.arrow`` or ``jets-*.arrow`` (the rows).

Both have one record batch per chunk of rows. The second is an ordinary table (``pandas.read_feather`` reads it). In the
first, a record batch has a single row and every field holds one array of the chunk, as the layout of the rows encodes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.shards.layouts import PackedRows, RowLayout

__all__ = ["PART_FILES", "Columns", "PartReader", "PartWriter", "feature_file", "merge_columns", "row_file", "take_columns"]

Columns = dict[str, NDArray[Any]]
#: Patterns of the names of all files of parts, also of those that a killed run was writing.
PART_FILES = tuple(f"{kind}-*.{suffix}" for kind in ("features", "taus", "jets") for suffix in ("arrow", "tmp"))


def merge_columns(parts: Sequence[Columns]) -> Columns:
    """Return the columns of one or more parts, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def take_columns(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """Return the columns number ``rows``."""
    return {name: values[rows] for name, values in columns.items()}


def feature_file(folder: Path, name: str) -> Path:
    """Return the path of a part's packed features."""
    return folder / f"features-{name}.arrow"


def row_file(folder: Path, name: str, layout: RowLayout) -> Path:
    """Return the path of a part's table of taus or jets."""
    return folder / f"{layout.rows}-{name}.arrow"


def _feature_schema(layout: RowLayout) -> pa.Schema:
    lists = [(name, pa.list_(pa.field("item", kind, nullable=False))) for name, kind in layout.fields().items()]
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in lists])


def _one_row(values: NDArray[Any], kind: pa.ListType) -> pa.Array:
    items = pa.array(np.ascontiguousarray(values), type=kind.value_type)
    return pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items, type=kind)


class PartWriter:
    """Writes one part, chunk by chunk, to temporary names; the part appears when the block ends without an error.

    Args:
        folder: where the two files go.
        name: of the part.
        layout: of the packed features.
        level: zstd compression level; ``None`` leaves the files uncompressed.
    """

    def __init__(self, folder: Path, name: str, layout: RowLayout, level: int | None = 1) -> None:
        self._final = (feature_file(folder, name), row_file(folder, name, layout))
        self._temporary = tuple(path.with_suffix(f".{uuid.uuid4().hex}.tmp") for path in self._final)
        self._layout, self._schema = layout, _feature_schema(layout)
        codec = None if level is None else pa.Codec("zstd", level)
        self._options = pa.ipc.IpcWriteOptions(compression=codec)
        self._features = pa.ipc.new_file(str(self._temporary[0]), self._schema, options=self._options)
        self._rows: Any = None

    def write(self, packed: PackedRows, columns: Columns) -> None:
        """Append one chunk: packed features and the columns of the same rows."""
        encoded = self._layout.encode(packed)
        arrays = [_one_row(array, field.type) for array, field in zip(encoded, self._schema, strict=True)]
        self._features.write_batch(pa.record_batch(arrays, schema=self._schema))
        table = pa.record_batch({name: pa.array(column) for name, column in columns.items()})
        if self._rows is None:
            self._rows = pa.ipc.new_file(str(self._temporary[1]), table.schema, options=self._options)
        self._rows.write_batch(table)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._features.close()
        if self._rows is not None:
            self._rows.close()
        # the table of rows last: a part is there when both are, and whole when the table is
        for temporary, final in zip(self._temporary, self._final, strict=True):
            if kind is None:
                temporary.replace(final)
            else:
                temporary.unlink(missing_ok=True)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        msg = f"{path}: cannot be read, it is missing, cut short or damaged ({error}); make the shards again"
        raise InputError(msg) from error


class PartReader:
    """Reads the chunks of one part, memory-mapped.

    Args:
        folder: where the part is.
        name: of the part.
        layout: of the packed features.

    Raises:
        InputError: if one of the files is missing, truncated or damaged (also by the methods).
    """

    def __init__(self, folder: Path, name: str, layout: RowLayout) -> None:
        self._paths = (feature_file(folder, name), row_file(folder, name, layout))
        self._layout = layout
        self._features = self._open(self._paths[0])
        self._rows = self._open(self._paths[1])
        schema = _feature_schema(layout)
        if self._features.schema.names != schema.names:
            msg = f"{self._paths[0]}: holds other arrays than the feature table asks for; make the shards again"
            raise InputError(msg)

    @staticmethod
    def _open(path: Path, columns: Sequence[int] | None = None) -> Any:
        options = pa.ipc.IpcReadOptions(included_fields=None if columns is None else list(columns), use_threads=False)
        with _reading(path):
            return pa.ipc.open_file(pa.memory_map(str(path)), options=options)

    @property
    def num_chunks(self) -> int:
        """Number of chunks."""
        return self._features.num_record_batches

    def features(self, chunk: int) -> Any:
        """Return the packed features of a chunk."""
        with _reading(self._paths[0]):
            batch = self._features.get_batch(chunk)
            arrays = [column.values.to_numpy(zero_copy_only=False) for column in batch.columns]
            return self._layout.decode(arrays)

    def columns(self, chunk: int) -> Columns:
        """Return the columns of a chunk."""
        with _reading(self._paths[1]):
            batch = self._rows.get_batch(chunk)
            return {name: batch[name].to_numpy(zero_copy_only=False) for name in batch.schema.names}

    def num_rows(self, chunk: int) -> int:
        """Return the number of taus or jets in a chunk."""
        with _reading(self._paths[1]):
            return int(self._rows.get_batch(chunk).num_rows)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows.schema.names)

    def all_columns(self, names: Sequence[str]) -> Columns:
        """Return some columns of all chunks."""
        reader = self._open(self._paths[1], [self.column_names.index(name) for name in sorted(set(names))])
        with _reading(self._paths[1]):
            table = reader.read_all()
            return {name: table[name].to_numpy() for name in names}
