"""Rows in any order with bounded memory: each source is read once, its rows wait on disk until their segment is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import awkward as ak
import numpy as np
import numpy.typing as npt
import pyarrow as pa

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

    def add_source(self, chunks: Iterator[tuple[int, ak.Array]], entries: IntArray, rows: IntArray) -> Iterator[int]:
        """Store the rows that one source gives; yield the number of entries read after every chunk.

        Args:
            chunks: (first entry, records) in rising order, covering all ``entries``.
            entries: entries to take, each as often as it is listed.
            rows: the row of the output for each of them.
        """
        source, self._sources = self._sources, self._sources + 1
        order = np.argsort(entries, kind="stable")
        entries, rows = entries[order], rows[order]
        streams: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        with ExitStack() as stack:
            for first, chunk in chunks:
                here = slice(*np.searchsorted(entries, [first, first + len(chunk)]))
                if here.start < here.stop:
                    taken = chunk[entries[here] - first]
                    for segment, table in self._tables(taken, rows[here]):
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
            for source in range(self._sources):
                path = self._path(segment, source)
                if path.exists():
                    with pa.OSFile(str(path), "rb") as stream:
                        parts.append(ak.from_arrow(pa.ipc.open_stream(stream).read_all()))
                    path.unlink()
            records = ak.concatenate(parts)
            place = ak.to_numpy(records[_PLACE])
            names = [name for name in records.fields if name != _PLACE]
            yield records[names][np.argsort(place, kind="stable")]

    def _path(self, segment: int, source: int) -> Path:
        return self._folder / f"segment{segment}_source{source}.arrow"

    def _tables(self, taken: ak.Array, rows: IntArray) -> Iterator[tuple[int, pa.Table]]:
        segment, place = np.divmod(rows, self._size)
        for number in np.unique(segment):
            mask = segment == number
            columns = {name: taken[name][mask] for name in taken.fields}
            columns[_PLACE] = place[mask]
            yield int(number), ak.to_arrow_table(ak.zip(columns, depth_limit=1), extensionarray=True)
