"""Shuffle rows over a whole set in little memory: deal them into buckets as they come, then shuffle bucket by bucket.

While the input is read, every piece of it is written with one record batch per bucket; then each bucket is collected from
all pieces, shuffled, and becomes a part of the set. The same seed gives the same bytes, also after an interruption.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.shards.files import Columns, PartReader, PartWriter, merge_columns, row_file, take_columns
from TauAdv.shards.layouts import PackedRows, RowLayout

__all__ = ["Dealer"]


@dataclass(frozen=True)
class Dealer:
    """Writes the pieces and the parts of a set.

    Attributes:
        folder: of the set.
        layout: of its rows.
        num_parts: parts to make.
        seed: of the shuffle.
        shuffle: ``False`` keeps the order of the input: piece k becomes part k.
        chunk_size: rows that are read from disk together.
        compression_level: of zstd in the parts; ``None`` leaves them uncompressed.
    """

    folder: Path
    layout: RowLayout
    num_parts: int
    seed: int
    shuffle: bool
    chunk_size: int
    compression_level: int | None

    def write_piece(self, number: int, packed: PackedRows, columns: Columns) -> None:
        """Write the rows of a piece of the input, by bucket."""
        buckets = np.zeros(len(packed), np.int64)
        if self.shuffle:
            buckets = np.random.default_rng((self.seed, 0, number)).integers(self.num_parts, size=len(packed))
        columns = {**columns, "ordinal": np.arange(len(packed))}
        with PartWriter(self.folder, _piece_name(number), self.layout, level=None) as writer:
            for bucket in range(self.num_parts if self.shuffle else 1):
                rows = np.flatnonzero(buckets == bucket)
                writer.write(packed.take(rows), take_columns(columns, rows))

    def write_part(self, number: int, limits: list[int]) -> dict[str, Any]:
        """Collect a bucket from all pieces, shuffle it and write it, unless that was done before.

        Args:
            number: of the part.
            limits: how many rows of each piece are wanted.

        Returns:
            Name of the part and rows in each of its chunks; no chunks: it has no rows and was not written.
        """
        name = f"{number:05d}"
        if not row_file(self.folder, name, self.layout).exists():
            packed, columns = self._collect(number, limits)
            order = np.arange(len(packed))
            if self.shuffle:
                order = np.random.default_rng((self.seed, 1, number)).permutation(len(packed))
            if len(order) == 0:
                return {"name": name, "chunks": []}
            self._write(name, packed, columns, order)
        reader = PartReader(self.folder, name, self.layout)
        return {"name": name, "chunks": [reader.num_rows(chunk) for chunk in range(reader.num_chunks)]}

    def _write(self, name: str, packed: PackedRows, columns: Columns, order: NDArray[np.int64]) -> None:
        with PartWriter(self.folder, name, self.layout, level=self.compression_level) as writer:
            for start in range(0, len(order), self.chunk_size):
                rows = order[start : start + self.chunk_size]
                writer.write(packed.take(rows), take_columns(columns, rows))

    def _collect(self, number: int, limits: list[int]) -> tuple[Any, Columns]:
        sources = [(piece, number) for piece in range(len(limits))] if self.shuffle else [(number, 0)]
        packed, columns = [], []
        for piece, bucket in sources:
            if piece >= len(limits):
                continue
            reader = PartReader(self.folder, _piece_name(piece), self.layout)
            values = reader.columns(bucket)
            rows: NDArray[np.int64] = np.flatnonzero(values.pop("ordinal") < limits[piece])
            packed.append(reader.features(bucket).take(rows))
            columns.append(take_columns(values, rows))
        return self.layout.concatenate(packed), merge_columns(columns)

    def remove_pieces(self) -> None:
        """Remove the pieces, and what a killed run was writing."""
        for pattern in ("*piece-*", "*.tmp"):
            for path in self.folder.glob(pattern):
                path.unlink()

    def piece_record(self, number: int) -> Path:
        """Return a path, removed with the pieces, where a caller may note that a piece is whole, and what is in it."""
        return self.folder / f"{_piece_name(number)}.json"


def _piece_name(number: int) -> str:
    return f"piece-{number:05d}"
