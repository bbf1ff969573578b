"""Shuffle rows over a whole set when it is written: deal them into buckets as they come, then shuffle each bucket.

While the input is read, every piece of it is written with one record batch per bucket; then each bucket is collected from
all pieces, shuffled, and becomes a part of the set. The same seed gives the same bytes, also after an interruption.

Beside every piece and part that is whole lies a note with the checksums of its files; after an interruption these are
compared, and what is not whole is made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.io.records import read_note, write_record
from TauAdv.io.verified_files import FileSet
from TauAdv.shards.files import PartReader, RowColumns, merge_columns, new_part, take_columns
from TauAdv.shards.row_layout import PackedRows, RowLayout

__all__ = ["Dealer", "describe_parts", "require_rows"]


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
        set_id: identifier of the set, which all of its files carry.
    """

    folder: Path
    layout: RowLayout
    num_parts: int
    seed: int
    shuffle: bool
    chunk_size: int
    compression_level: int | None
    set_id: str

    def piece(self, number: int) -> dict[str, Any] | None:
        """Return what was noted of a piece of the input that an earlier run finished, if it is still whole."""
        return self._finished(_piece_name(number))

    def write_piece(self, number: int, packed: PackedRows, columns: RowColumns, **noted: Any) -> None:
        """Write the rows of a piece of the input, by bucket, and a note of it with further entries (JSON values)."""
        buckets = np.zeros(len(packed), np.int64)
        if self.shuffle:
            buckets = np.random.default_rng((self.seed, 0, number)).integers(self.num_parts, size=len(packed))
        columns = {**columns, "ordinal": np.arange(len(packed))}
        with new_part(self.folder, _piece_name(number), self.layout, None, self.set_id) as writer:
            for bucket in range(self.num_parts if self.shuffle else 1):
                rows = np.flatnonzero(buckets == bucket)
                writer.write(packed.take(rows), take_columns(columns, rows))
        self._note(_piece_name(number), writer.files, **noted)

    def _note(self, name: str, files: Mapping[str, Any], **noted: Any) -> None:
        write_record(self.folder / f"{name}.json", {"owner": self.set_id, "files": files, **noted})

    def _finished(self, name: str) -> dict[str, Any] | None:
        """Return the note of a piece or part whose files are whole."""
        note = read_note(self.folder / f"{name}.json", self.set_id)
        if note is None:
            return None
        try:
            FileSet(self.folder, note["files"], remedy="").verify()
        except InputError:
            return None
        return note

    def write_part(self, number: int, limits: list[int]) -> dict[str, Any]:
        """Collect a bucket from all pieces, shuffle it and write it, unless that was done before.

        Args:
            number: of the part.
            limits: how many rows of each piece are wanted.

        Returns:
            Name of the part, rows in each of its chunks, and its files with size and checksum; no chunks: it has no rows and
            was not written.

        Raises:
            InputError: if a piece of the input is not what was written.
        """
        name = f"{number:05d}"
        note = self._finished(_part_note(name))
        if note is None:
            packed, columns = self._collect(number, limits)
            order = np.arange(len(packed))
            if self.shuffle:
                order = np.random.default_rng((self.seed, 1, number)).permutation(len(packed))
            if len(order) == 0:
                return {"name": name, "chunks": [], "files": {}}
            note = self._write(name, packed, columns, order)
        return {"name": name, "chunks": note["chunks"], "files": note["files"]}

    def _write(self, name: str, packed: PackedRows, columns: RowColumns, order: NDArray[np.int64]) -> dict[str, Any]:
        starts = range(0, len(order), self.chunk_size)
        with new_part(self.folder, name, self.layout, self.compression_level, self.set_id) as writer:
            for start in starts:
                rows = order[start : start + self.chunk_size]
                writer.write(packed.take(rows), take_columns(columns, rows))
        note: dict[str, Any] = {
            "chunks": [min(self.chunk_size, len(order) - start) for start in starts],
            "files": writer.files,
        }
        self._note(_part_note(name), **note)
        return note

    def _collect(self, number: int, limits: list[int]) -> tuple[Any, RowColumns]:
        sources = [(piece, number) for piece in range(len(limits))] if self.shuffle else [(number, 0)]
        packed, columns = [], []
        for piece, bucket in sources:
            if piece >= len(limits):
                continue
            reader = self._piece_reader(piece)
            values = reader.columns(bucket)
            rows: NDArray[np.int64] = np.flatnonzero(values.pop("ordinal") < limits[piece])
            packed.append(reader.features(bucket).take(rows))
            columns.append(take_columns(values, rows))
        return self.layout.concatenate(packed), merge_columns(columns)

    def _piece_reader(self, piece: int) -> PartReader:
        """Return a reader of a piece: of this run, or of an earlier one and verified when this one began."""
        name = _piece_name(piece)
        note = read_note(self.folder / f"{name}.json", self.set_id)
        if note is None:
            msg = f"{self.folder / name}: is no longer there; repeat the command"
            raise InputError(msg)
        return PartReader(FileSet(self.folder, note["files"], remedy="repeat the command", verified=True), name, self.layout)

    def remove_pieces(self) -> None:
        """Remove the pieces, and all notes."""
        for pattern in ("*piece-*", f"{_part_note('*')}.json"):
            for path in self.folder.glob(pattern):
                path.unlink()


def _piece_name(number: int) -> str:
    return f"piece-{number:05d}"


def _part_note(name: str) -> str:
    return f"part-{name}"


def describe_parts(parts: Sequence[Mapping[str, Any]], set_id: str) -> dict[str, Any]:
    """Return the entries of the manifest that say what a set consists of, from what :meth:`Dealer.write_part` returned."""
    files = {name: entry for part in parts for name, entry in part["files"].items()}
    named = [{"name": part["name"], "chunks": part["chunks"]} for part in parts]
    return {"set_id": set_id, "parts": named, "files": files}


def require_rows(folder: Path, parts: Sequence[Mapping[str, Any]], expected: int, rows: str) -> None:
    """Check that as many rows came out as went in.

    Raises:
        InputError: if not.
    """
    found = sum(sum(part["chunks"]) for part in parts)
    if found != expected:
        msg = f"{folder}: {expected} {rows} went in and {found} came out; nothing was kept; please report this"
        raise InputError(msg)
