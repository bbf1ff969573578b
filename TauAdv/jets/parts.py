"""The Arrow files of extracted jets: one column a variable, ordinary tables that ``pandas.read_feather`` opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from TauAdv.commands import command
from TauAdv.errors import InputError, nearest
from TauAdv.io.manifests.manifest import describe_input, read_manifest, require_checksums
from TauAdv.io.sources import STEP_SIZE
from TauAdv.io.verified_files import FileSet, opened_at_once
from TauAdv.jets.columns import Jets, concatenate_jets
from TauAdv.jets.schema import Column, JetTable

__all__ = ["STEP", "ExtractedJets", "PartWriter"]

STEP = "extract_jets"


def _remedy() -> str:
    return f"extract the jets again with {command('jets extract')} --overwrite"


def _schema(columns: Sequence[Column]) -> pa.Schema:
    fields = [pa.field("line", pa.int64(), nullable=False), pa.field("n_tracks", pa.int32(), nullable=False)]
    return pa.schema(fields + [pa.field(column.name, pa.float32(), nullable=False) for column in columns])


class PartWriter:
    """Writes jets to one Arrow file, a record batch at a time.

    Args:
        path: of the file.
        columns: of the jets.
        part: identifier of the set and name of the part, which the file carries (:func:`TauAdv.io.verified_files.stamp`).
    """

    def __init__(self, path: Path, columns: Sequence[Column], part: str | None = None) -> None:
        self._schema = _schema(columns).with_metadata(None if part is None else {"TauAdv": part})
        self._stream = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_file(self._stream, self._schema, options=options)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()
        self._stream.close()

    def write(self, jets: Jets) -> None:
        """Add jets."""
        by_column = np.ascontiguousarray(jets.values.T)
        arrays = [pa.array(jets.line), pa.array(jets.n_tracks), *(pa.array(values) for values in by_column)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))


class ExtractedJets:
    """A folder that ``tauadv jets extract`` wrote; make one with :meth:`open`.

    All parts are opened with it, so that jets are never those of another extraction that takes its place meanwhile; a part
    is compared with its checksum before a jet of it is read.

    Attributes:
        folder: where it is.
        manifest: settings, flavour counts, lines left out, input.
        table: of jet variables that it was made with.
        columns: of the jets.
        description: what identifies them as an input (:func:`~TauAdv.io.manifests.manifest.describe_input`), when opened.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], table: JetTable, description: dict[str, Any]) -> None:
        self.folder, self.manifest, self.table, self.description = folder, manifest, table, description
        self.columns = table.columns(manifest["settings"]["n_tracks"])
        self._files = FileSet(folder, manifest["files"], remedy=_remedy(), set_id=manifest.get("set_id"))

    @classmethod
    def open(cls, folder: Path | str) -> ExtractedJets:
        """Return the jets in a folder.

        Raises:
            InputError: if the folder was not made by the extraction of jets, or is not what was written: names the file.
        """
        return opened_at_once(Path(folder), lambda: cls._opened(folder))

    @classmethod
    def _opened(cls, folder: Path | str) -> ExtractedJets:
        manifest = read_manifest(folder)
        if manifest.get("step") != STEP:
            msg = f"{folder}: made by step '{manifest.get('step')}', not by {command('jets extract')}"
            raise InputError(msg)
        require_checksums(folder, manifest, _remedy())
        return cls(Path(folder), manifest, JetTable.from_text(manifest["table"], str(folder)), describe_input(folder))

    def __len__(self) -> int:
        return int(self.manifest["counts"]["jets"])

    @property
    def flavour_counts(self) -> dict[int, int]:
        """Jets of each flavour (5, 4, 0)."""
        return {int(flavour): number for flavour, number in self.manifest["counts"]["flavours"].items()}

    @property
    def files(self) -> list[Path]:
        """The Arrow files in the order of the lines."""
        return [self.folder / part["file"] for part in self.manifest["parts"]]

    @property
    def num_entries(self) -> int:
        """Number of jets."""
        return len(self)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def identity(self) -> list[dict[str, Any]]:
        """Return what manifests record of the jets, as they were when opened."""
        return [self.description]

    def iterate(self, names: Sequence[str] | None = None, /, step_size: int = STEP_SIZE) -> Iterator[Jets]:
        """Yield all jets in the order of the file, ``step_size`` at a time at most; memory stays flat.

        Args:
            names: columns to read; all if ``None``.
            step_size: most jets in memory at once.

        Raises:
            InputError: if there are no such columns, or a file is not what was written.
        """
        for number in range(len(self.files)):
            yield from self.iterate_part(number, step_size, names)

    def iterate_part(self, number: int, step_size: int = STEP_SIZE, names: Sequence[str] | None = None) -> Iterator[Jets]:
        """Yield the jets of one of the :attr:`files`."""
        columns = self.columns if names is None else self._chosen(names)
        file = self._files[self.manifest["parts"][number]["file"]]
        reader = pa.ipc.open_file(pa.py_buffer(file.content()))
        waiting: list[pa.RecordBatch] = []
        for index in range(reader.num_record_batches):
            waiting.append(reader.get_batch(index))
            last = index == reader.num_record_batches - 1
            if last or sum(map(len, waiting)) >= step_size:
                jets = _jets(pa.Table.from_batches(waiting), columns)
                for start in range(0, len(jets), step_size):
                    yield jets.take(slice(start, start + step_size))
                waiting = []
                file.release()  # or the whole file would count as memory of the process

    def _chosen(self, names: Sequence[str]) -> tuple[Column, ...]:
        known = {column.name: column for column in self.columns}
        if missing := [f"{name}{nearest(name, list(known))}" for name in names if name not in known]:
            msg = f"{self.folder}: has no column {', '.join(missing)}"
            raise InputError(msg)
        return tuple(known[name] for name in names)

    def read(self) -> Jets:
        """Return all jets (185 columns take 750 bytes a jet)."""
        empty = Jets(
            np.empty(0, np.int64), np.empty(0, np.int32), np.empty((0, len(self.columns)), np.float32), self.columns
        )
        return concatenate_jets([empty, *self.iterate()])


def _jets(table: pa.Table, columns: tuple[Column, ...]) -> Jets:
    values = np.empty((table.num_rows, len(columns)), dtype=np.float32)
    for number, column in enumerate(columns):
        values[:, number] = table.column(column.name).to_numpy()
    return Jets(table.column("line").to_numpy(), table.column("n_tracks").to_numpy(), values, columns)
