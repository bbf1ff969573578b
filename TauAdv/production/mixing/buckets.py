"""Rows in any order with bounded memory: each source is read once, its rows wait on disk until their segment is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import awkward as ak
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from TauAdv.errors import InputError
from TauAdv.tuples.branches.arrow import from_table, to_table
from TauAdv.tuples.branches.records import rows_of

__all__ = ["Buckets"]

_PLACE = "place_in_segment"
IntArray = npt.NDArray[np.int64]


class Buckets:
    """Arrow streams in a scratch folder, one for every segment of the output and every source.

    Args:
        folder: scratch folder, which the caller makes and removes.
        segment_size: rows of a segment, which are in memory together when it is read back.
    """

    def __init__(self, folder: Path, segment_size: int) -> None:
        self._folder = folder
        self._size = segment_size
        self._sources = 0
        self._schema: pa.Schema | None = None

    def add_source(
        self, name: str, chunks: Iterator[tuple[int, ak.Array]], entries: IntArray, rows: IntArray
    ) -> Iterator[int]:
        """Store the rows that one source gives; yield the number of entries read after every chunk.

        Args:
            name: what messages call the source.
            chunks: (first entry, records) in rising order, covering all ``entries``.
            entries: entries to take, each as often as it is listed.
            rows: the row of the output for each of them.

        Raises:
            InputError: if the values of a branch do not fit the type that it has in the first source.
        """
        source, self._sources = self._sources, self._sources + 1
        order = np.argsort(entries, kind="stable")
        entries, rows = entries[order], rows[order]
        streams: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        with ExitStack() as stack:
            for first, chunk in chunks:
                here = slice(*np.searchsorted(entries, [first, first + len(chunk)]))
                if here.start < here.stop:
                    for segment, table in self._tables(name, chunk, entries[here] - first, rows[here]):
                        if segment not in streams:
                            sink = stack.enter_context(pa.OSFile(str(self._path(segment, source)), "wb"))
                            streams[segment] = stack.enter_context(pa.ipc.new_stream(sink, table.schema))
                        streams[segment].write_table(table)
                yield len(chunk)

    def segments(self, rows: int) -> Iterator[ak.Array]:
        """Yield the records of segment 0, 1, ... in the order of their rows, and forget them.

        Args:
            rows: rows of the output in all.
        """
        for segment in range(-(-rows // self._size)):
            parts = []
            for path in [self._path(segment, source) for source in range(self._sources)]:
                if path.exists():
                    with pa.OSFile(str(path), "rb") as stream:
                        parts.append(pa.ipc.open_stream(stream).read_all())
                    path.unlink()
            table = pa.concat_tables(parts)
            order = np.argsort(table[_PLACE].to_numpy(), kind="stable")
            yield rows_of(from_table(table.drop_columns(_PLACE)), order)

    def _path(self, segment: int, source: int) -> Path:
        return self._folder / f"segment{segment}_source{source}.arrow"

    def _tables(self, name: str, chunk: ak.Array, entries: IntArray, rows: IntArray) -> Iterator[tuple[int, pa.Table]]:
        segment, place = np.divmod(rows, self._size)
        order = np.argsort(segment, kind="stable")
        numbers, starts = np.unique(segment[order], return_index=True)
        table = self._same_types(name, to_table(rows_of(chunk, entries[order]))).append_column(
            _PLACE, pa.array(place[order])
        )
        for number, start, stop in zip(numbers, starts, [*starts[1:], len(order)], strict=True):
            yield int(number), table.slice(start, stop - start)

    def _same_types(self, name: str, table: pa.Table) -> pa.Table:
        if self._schema is None:
            self._schema = table.schema
        if table.schema.equals(self._schema):
            return table
        try:
            return table.cast(self._schema)
        except pa.ArrowException as error:
            different = [
                f"{field.name} ({self._schema.field(field.name).type} before, here {field.type})"
                for field in table.schema
                if not field.equals(self._schema.field(field.name))
            ]
            msg = f"{name}: the types of these branches do not fit those of the other contributions: {', '.join(different)}"
            raise InputError(f"{msg}; {error}") from error
