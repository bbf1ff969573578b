"""The two Arrow files of a part: ``features-*.arrow`` (packed features) and ``taus-*.arrow`` (one row per tau).

Both have one record batch per chunk of taus. The second is an ordinary table (``pandas.read_feather`` reads it). In the
first, a record batch has a single row and every field holds one array of the chunk: values of the same feature lie
next to each other, which is what makes them compress well.
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
from TauAdv.shards.packing import PackedGrid, PackedTaus, PackLayout

__all__ = ["Columns", "PartReader", "PartWriter", "feature_file", "merge_columns", "take_columns", "tau_file"]

Columns = dict[str, NDArray[Any]]


def merge_columns(parts: Sequence[Columns]) -> Columns:
    """Return the columns of one or more parts, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def take_columns(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """Return the columns of the taus ``rows``."""
    return {name: values[rows] for name, values in columns.items()}


def feature_file(folder: Path, name: str) -> Path:
    """Return the path of a part's packed features."""
    return folder / f"features-{name}.arrow"


def tau_file(folder: Path, name: str) -> Path:
    """Return the path of a part's table of taus."""
    return folder / f"taus-{name}.arrow"


def _feature_schema(layout: PackLayout) -> pa.Schema:
    fields = [("tau", pa.float32())]
    for grid in layout.layout.grids:
        fields += [(f"{grid}/{name}", kind) for name, kind in _GRID_FIELDS]
        fields += [(f"{grid}/{name}", pa.float32()) for name in ("shared", *layout.objects)]
    lists = [(name, pa.list_(pa.field("item", kind, nullable=False))) for name, kind in fields]
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in lists])


_GRID_FIELDS = (("counts", pa.uint16()), ("eta", pa.uint8()), ("phi", pa.uint8()), ("present", pa.uint32()))


def _grid_arrays(grid: PackedGrid) -> list[NDArray[Any]]:
    head: list[NDArray[Any]] = [grid.counts.astype(np.uint16), grid.position[:, 0], grid.position[:, 1], grid.present]
    return head + [values.T.ravel() for values in (grid.shared, *grid.objects)]


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

    def __init__(self, folder: Path, name: str, layout: PackLayout, level: int | None = 1) -> None:
        self._final = (feature_file(folder, name), tau_file(folder, name))
        self._temporary = tuple(path.with_suffix(f".{uuid.uuid4().hex}.tmp") for path in self._final)
        self._schema = _feature_schema(layout)
        codec = None if level is None else pa.Codec("zstd", level)
        self._options = pa.ipc.IpcWriteOptions(compression=codec)
        self._features = pa.ipc.new_file(str(self._temporary[0]), self._schema, options=self._options)
        self._taus: Any = None

    def write(self, packed: PackedTaus, columns: Columns) -> None:
        """Append one chunk: packed features and the columns of the same taus."""
        values = [packed.tau.T.ravel()]
        for grid in packed.grids.values():
            values += _grid_arrays(grid)
        arrays = [_one_row(array, field.type) for array, field in zip(values, self._schema, strict=True)]
        self._features.write_batch(pa.record_batch(arrays, schema=self._schema))
        table = pa.record_batch({name: pa.array(column) for name, column in columns.items()})
        if self._taus is None:
            self._taus = pa.ipc.new_file(str(self._temporary[1]), table.schema, options=self._options)
        self._taus.write_batch(table)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._features.close()
        if self._taus is not None:
            self._taus.close()
        # the table of taus last: a part is there when both are, and whole when the table is
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

    def __init__(self, folder: Path, name: str, layout: PackLayout) -> None:
        self._paths = (feature_file(folder, name), tau_file(folder, name))
        self._layout = layout
        self._features = self._open(self._paths[0])
        self._taus = self._open(self._paths[1])
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

    def features(self, chunk: int) -> PackedTaus:
        """Return the packed features of a chunk."""
        with _reading(self._paths[0]):
            batch = self._features.get_batch(chunk)
            arrays = [column.values.to_numpy(zero_copy_only=False) for column in batch.columns]
            return self._decode(arrays)

    def _decode(self, arrays: list[NDArray[Any]]) -> PackedTaus:
        sizes = [stop - start for start, stop in self._layout.objects.values()]
        tau = _rows(arrays[0], self._layout.layout.tau)
        grids, step = {}, len(_GRID_FIELDS) + 1 + len(sizes)
        for number, grid in enumerate(self._layout.layout.grids):
            counts, eta, phi, present, shared, *objects = arrays[1 + number * step : 1 + (number + 1) * step]
            grids[grid] = PackedGrid(
                counts.astype(np.int32),
                np.stack([eta, phi], axis=1),
                present,
                _rows(shared, self._layout.num_shared, len(counts)),
                tuple(_rows(values, size) for values, size in zip(objects, sizes, strict=True)),
            )
        return PackedTaus(tau, grids)

    def columns(self, chunk: int) -> Columns:
        """Return the columns of a chunk."""
        with _reading(self._paths[1]):
            batch = self._taus.get_batch(chunk)
            return {name: batch[name].to_numpy(zero_copy_only=False) for name in batch.schema.names}

    def num_taus(self, chunk: int) -> int:
        """Return the number of taus in a chunk."""
        with _reading(self._paths[1]):
            return int(self._taus.get_batch(chunk).num_rows)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return list(self._taus.schema.names)

    def all_columns(self, names: Sequence[str]) -> Columns:
        """Return some columns of all chunks."""
        reader = self._open(self._paths[1], [self.column_names.index(name) for name in sorted(set(names))])
        with _reading(self._paths[1]):
            table = reader.read_all()
            return {name: table[name].to_numpy() for name in names}


def _rows(values: NDArray[np.float32], width: int, rows: int | None = None) -> NDArray[np.float32]:
    """Undo the transposition of a stored matrix."""
    count = len(values) // width if rows is None else rows
    return np.ascontiguousarray(values.reshape(width, count).T)
