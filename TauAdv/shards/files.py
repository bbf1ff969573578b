"""The two Arrow files of a part: ``features-*.arrow`` (packed features) and ``taus-*.arrow`` or ``jets-*.arrow`` (the rows).

Both have one record batch per chunk of rows. The second is an ordinary table (``pandas.read_feather`` reads it). In the
first, a record batch has a single row and every field holds one array of the chunk, as the layout of the rows encodes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.checksums import describe_file
from TauAdv.io.verified_files import FileSet, stamp
from TauAdv.shards.row_layout import PackedRows, RowLayout

__all__ = ["PART_FILES", "PartReader", "PartWriter", "RowColumns", "file_names", "merge_columns", "new_part", "take_columns"]

_STAMP_KEY = "TauAdv"
"""Key of the schema's metadata under which a file says which part of which set it is."""

RowColumns = dict[str, NDArray[Any]]
#: Patterns of the names of all files of parts and pieces, and of the notes of them.
PART_FILES = (
    *(f"{kind}-{stage}[0-9]*.arrow" for kind in ("features", "taus", "jets") for stage in ("", "piece-")),
    *("piece-[0-9]*.json", "part-[0-9]*.json"),
)


def merge_columns(parts: Sequence[RowColumns]) -> RowColumns:
    """Return the columns of one or more parts, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def take_columns(columns: RowColumns, rows: NDArray[np.int64]) -> RowColumns:
    """Return the columns number ``rows``."""
    return {name: values[rows] for name, values in columns.items()}


def file_names(name: str, layout: RowLayout) -> tuple[str, str]:
    """Return the names of a part's two files: packed features, and table of taus or jets."""
    return f"features-{name}.arrow", f"{layout.rows}-{name}.arrow"


def _feature_schema(layout: RowLayout) -> pa.Schema:
    lists = [(name, pa.list_(pa.field("item", kind, nullable=False))) for name, kind in layout.fields().items()]
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in lists])


def _one_row(values: NDArray[Any], kind: pa.ListType) -> pa.Array:
    items = pa.array(np.ascontiguousarray(values), type=kind.value_type)
    return pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items, type=kind)


class PartWriter:
    """Writes the chunks of one part; made by :func:`new_part`.

    Attributes:
        files: size and checksum of the two files by name, once they are whole.
    """

    def __init__(self, features: Path, rows: Path, layout: RowLayout, level: int | None, metadata: dict[str, str]) -> None:
        self._paths = (features, rows)
        self._layout, self._metadata = layout, metadata
        self._schema = _feature_schema(layout)
        codec = None if level is None else pa.Codec("zstd", level)
        self._options = pa.ipc.IpcWriteOptions(compression=codec)
        stored = self._schema.with_metadata(metadata)
        self._features = pa.ipc.new_file(str(features), stored, options=self._options)
        self._rows: Any = None
        self.files: dict[str, dict[str, Any]] = {}

    def write(self, packed: PackedRows, columns: RowColumns) -> None:
        """Append one chunk: packed features and the columns of the same rows."""
        encoded = self._layout.encode(packed)
        arrays = [_one_row(array, field.type) for array, field in zip(encoded, self._schema, strict=True)]
        self._features.write_batch(pa.record_batch(arrays, schema=self._schema.with_metadata(self._metadata)))
        table = pa.record_batch({name: pa.array(column) for name, column in columns.items()})
        table = table.replace_schema_metadata(self._metadata)
        if self._rows is None:
            self._rows = pa.ipc.new_file(str(self._paths[1]), table.schema, options=self._options)
        self._rows.write_batch(table)

    def close(self) -> None:
        """Finish both files."""
        self._features.close()
        if self._rows is not None:
            self._rows.close()


@contextmanager
def new_part(
    folder: Path, name: str, layout: RowLayout, level: int | None = 1, set_id: str | None = None
) -> Iterator[PartWriter]:
    """Yield a writer of one part to temporary names; the part appears when the block ends without an error.

    Args:
        folder: where the two files go.
        name: of the part.
        layout: of the packed features.
        level: zstd compression level; ``None`` leaves the files uncompressed.
        set_id: identifier of the set, which is put into both files.
    """
    names = file_names(name, layout)
    metadata = {} if set_id is None else {_STAMP_KEY: stamp(set_id, name)}
    with new_file(folder / names[1]) as rows, new_file(folder / names[0]) as features:
        writer = PartWriter(features, rows, layout, level, metadata)
        try:
            yield writer
        finally:
            writer.close()
        writer.files = dict(zip(names, map(describe_file, (features, rows)), strict=True))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, IndexError, KeyError) as error:
        msg = f"{path}: cannot be read, it is not what was written ({error}); make the shards again"
        raise InputError(msg) from error


class PartReader:
    """Reads the chunks of one part, memory-mapped. Nothing is read of a file before its checksum was compared.

    Args:
        files: of the set.
        name: of the part.
        layout: of the packed features.

    Raises:
        InputError: if one of the files is damaged (by the methods).
    """

    def __init__(self, files: FileSet, name: str, layout: RowLayout) -> None:
        self._files = tuple(files[file] for file in file_names(name, layout))
        self._layout = layout

    def _open(self, number: int, columns: Sequence[int] | None = None) -> Any:
        file = self._files[number]
        content = pa.py_buffer(file.content())
        options = pa.ipc.IpcReadOptions(included_fields=None if columns is None else list(columns), use_threads=False)
        with _reading(file.path):
            return pa.ipc.open_file(content, options=options)

    @cached_property
    def _features(self) -> Any:
        reader = self._open(0)
        if reader.schema.names != _feature_schema(self._layout).names:
            msg = f"{self._files[0].path}: holds other arrays than the feature table asks for; make the shards again"
            raise InputError(msg)
        return reader

    @cached_property
    def _rows(self) -> Any:
        return self._open(1)

    @property
    def num_chunks(self) -> int:
        """Number of chunks."""
        return self._rows.num_record_batches

    def features(self, chunk: int) -> Any:
        """Return the packed features of a chunk."""
        reader = self._features
        with _reading(self._files[0].path):
            batch = reader.get_batch(chunk)
            arrays = [column.values.to_numpy(zero_copy_only=False) for column in batch.columns]
            return self._layout.decode(arrays)

    def columns(self, chunk: int) -> RowColumns:
        """Return the columns of a chunk."""
        reader = self._rows
        with _reading(self._files[1].path):
            batch = reader.get_batch(chunk)
            return {name: batch[name].to_numpy(zero_copy_only=False) for name in batch.schema.names}

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows.schema.names)

    def all_columns(self, names: Sequence[str]) -> RowColumns:
        """Return some columns of all chunks."""
        reader = self._open(1, [self.column_names.index(name) for name in sorted(set(names))])
        with _reading(self._files[1].path):
            table = reader.read_all()
            columns = {name: table[name].to_numpy() for name in names}
        self._files[1].release()
        return columns
