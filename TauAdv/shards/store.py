"""A set of shards on disk: its taus or jets, its manifest, and views of part of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt

from TauAdv.arguments import checked
from TauAdv.commands import command
from TauAdv.errors import InputError, InputWarning, nearest
from TauAdv.hashing import hash_fraction
from TauAdv.io.manifests.manifest import describe_input, read_manifest, require_checksums
from TauAdv.io.verified_files import FileSet, opened_at_once
from TauAdv.jets.parts import STEP as JETS_STEP
from TauAdv.shards.files import PartReader, RowColumns, merge_columns, take_columns
from TauAdv.shards.row_index import row_index
from TauAdv.shards.row_layout import RowLayout, RowTable, RowType
from TauAdv.shards.row_types import FIRST, ROW_TYPES, differing_features, layout_of, read_table, row_type

__all__ = ["STEP", "ShardSet", "iterate", "part_readers"]

STEP = "make_shards"
"""Name of the step in the manifest of a set of shards."""

_VERIFIED_AT_ONCE = 1 << 30
"""Bytes; a larger set is verified part by part, when the first row of a part is read."""


def _way_to_shards(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return what to do about a folder that is not a set of shards."""
    if "sets" in manifest:
        return f"give one of its parts: {', '.join(str(folder / name) for name in manifest['sets'])}"
    if manifest.get("step") == JETS_STEP:
        return f"prepare the jets with {command('jets prepare')}"
    return ", ".join(f"{command(rows.made_by)} makes one of {rows.name}" for rows in ROW_TYPES.values())


def part_readers(folder: Path, manifest: Mapping[str, Any], layout: RowLayout) -> list[PartReader]:
    """Return readers of all parts of a set, whose files are opened now.

    Raises:
        InputError: if a file is missing or has another size than when it was written.
    """
    files = FileSet(folder, manifest["files"], remedy=_remedy(folder, manifest), set_id=manifest.get("set_id"))
    if files.size <= _VERIFIED_AT_ONCE:
        files.verify()
    return [PartReader(files, part["name"], layout) for part in manifest["parts"]]


def _warn_of_others(folder: Path, listed: Mapping[str, Any]) -> None:
    """Warn of parts that are there but do not belong to the set."""
    if others := sorted(path.name for path in folder.glob("*.arrow") if path.name not in listed):
        shown = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
        msg = f"{folder}: holds files that its manifest does not list, they are not read: {shown}; remove them"
        warnings.warn(msg, InputWarning, stacklevel=2)


def _domains(shards: ShardSet) -> str:
    return ", ".join(f"{number} {name}" for number, name in enumerate(shards.row_type.domains))


def _names(inputs: Sequence[Mapping[str, Any]], most: int = 4) -> list[str]:
    """Return the names of inputs of a manifest, the first of many."""
    names = [str(entry.get("name")) for entry in inputs]
    return names[:most] + ([f"and {len(names) - most} more"] if len(names) > most else [])


def _remedy(folder: Path, manifest: Mapping[str, Any]) -> str:
    rows = row_type(str(manifest.get("rows", FIRST)), f"{folder}: manifest.json")
    return f"make the set again with {command(rows.made_by)} --overwrite"


class ShardSet:
    """Taus or jets with features, labels, weights and identity; open one with :meth:`open`.

    Rows are numbered in stored order, which is shuffled when the set was written. A set may be a view that leaves out some
    of them (:meth:`split`).

    All files are opened when the set is, so that rows are never those of another set that takes its place meanwhile. No row
    is read of a file whose checksum is not that of the manifest: of small sets all are compared when the set is opened, of
    large ones (1 GiB or more) when the first row of a part is read.

    Attributes:
        folder: where it is.
        manifest: what it was made of, and how.
        description: what identifies it as an input (:func:`TauAdv.io.manifests.manifest.describe_input`), as it was opened.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Mapping[str, Any],
        description: Mapping[str, Any],
        keep: NDArray[np.bool_] | None = None,
        readers: Sequence[PartReader] | None = None,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.description = description
        stored = [
            (part, index, size) for part, of in enumerate(manifest["parts"]) for index, size in enumerate(of["chunks"])
        ]
        self._places = [(part, index) for part, index, _ in stored]
        self._stored_sizes = np.array([size for _, _, size in stored], np.int64)
        self._keep = keep
        self._parts = part_readers(folder, manifest, self.layout) if readers is None else readers

    @classmethod
    @checked
    def open(cls, folder: Path | str) -> ShardSet:
        """Open the set in a folder.

        Raises:
            InputError: if the folder is not a finished set of shards, or not what was written: names the file.
        """
        return opened_at_once(Path(folder), lambda: cls._opened(Path(folder)))

    @classmethod
    def _opened(cls, folder: Path) -> ShardSet:
        manifest = read_manifest(folder)
        if manifest.get("step") != STEP or "parts" not in manifest:
            msg = f"{folder}: not a set of shards (made by '{manifest.get('step')}'); {_way_to_shards(folder, manifest)}"
            raise InputError(msg)
        require_checksums(folder, manifest, _remedy(folder, manifest))
        opened = cls(folder, manifest, describe_input(folder))
        _warn_of_others(folder, manifest["files"])
        return opened

    def __repr__(self) -> str:
        return f"<{self.kind} set {self.folder}: {self.num_rows} {self.rows_name}>"

    def __str__(self) -> str:
        counts = self.manifest.get("counts") or {}
        groups = counts.get("by_group") if self._keep is None else None
        lines = [
            f"{self.folder}: {self.kind} set of {self.num_rows:,} {self.rows_name}",
            f"  groups: {', '.join(f'{name} {count}' for name, count in (groups or {}).items())}",
            f"  classes: {', '.join(self.classes)}" if self.kind == "classification" else f"  labels: {_domains(self)}",
            f"  features: {self.table.name} (digest {self.table_digest[:8]})",
            f"  columns: {', '.join(self.column_names)}",
            f"  made of: {', '.join(_names(self.manifest.get('inputs', [])))}",
        ]
        return "\n".join(line for line in lines if line and not line.endswith(": "))

    @property
    def rows_name(self) -> str:
        """What rows are called: ``taus`` or ``jets``."""
        return str(self.manifest.get("rows", FIRST))

    @property
    def row_type(self) -> RowType:
        """What is known of such rows.

        Raises:
            InputError: if this version does not know them.
        """
        return row_type(self.rows_name, f"{self.folder}: feature table")

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in the order of the labels."""
        return self.layout.classes

    @property
    def kind(self) -> str:
        """``classification`` or ``adversarial``."""
        return str(self.manifest["kind"])

    @property
    def num_rows(self) -> int:
        """Number of taus or jets."""
        return int(self.chunk_sizes.sum())

    @property
    def num_taus(self) -> int:
        """The same number, as sets of taus call it."""
        return self.num_rows

    def __len__(self) -> int:
        return self.num_rows

    @property
    def table_digest(self) -> str:
        """Digest of the feature table that the set was made with."""
        return str(self.manifest["feature_table"]["digest"])

    @property
    def feature_table(self) -> str:
        """Text of that table."""
        return str(self.manifest["feature_table"]["text"])

    @cached_property
    def table(self) -> Any:
        """That table: a ``FeatureTable`` of taus, or ``JetFeatures``."""
        return read_table(self.rows_name, self.feature_table, f"{self.folder}: feature table")

    @cached_property
    def layout(self) -> Any:
        """Layout of the packed features (:class:`TauAdv.shards.row_layout.RowLayout`)."""
        return layout_of(self.rows_name, self.table)

    def require_table(self, table: RowTable) -> None:
        """Check that the set was made with ``table``.

        Raises:
            InputError: if not; names features that differ.
        """
        if table.digest == self.table_digest:
            return
        differing = differing_features(self.table, table)
        msg = (
            f"{self.folder}: expected shards of the feature table '{table.name}' (digest {table.digest[:12]}), received "
            f"those of '{self.table.name}' (digest {self.table_digest[:12]}); differing: {differing}; make the shards again "
            "with the table of the model, or train with the table of the shards"
        )
        raise InputError(msg)

    def require_kind(self, kind: str) -> None:
        """Check that the set is of this kind.

        Raises:
            InputError: if not.
        """
        if kind != self.kind:
            maker = self.row_type.making(kind)
            msg = f"{self.folder}: expected a set of kind '{kind}', received '{self.kind}'; make one with {maker}"
            raise InputError(msg)

    @cached_property
    def _rows(self) -> list[NDArray[np.int64] | None]:
        """Per chunk the rows of a view, ``None`` in a whole set."""
        if self._keep is None:
            return [None] * len(self._places)
        return [np.flatnonzero(keep) for keep in np.split(self._keep, np.cumsum(self._stored_sizes)[:-1])]

    @cached_property
    def chunk_sizes(self) -> NDArray[np.int64]:
        """Rows in each chunk, the unit that is read from disk."""
        if self._keep is None:
            return self._stored_sizes
        return np.array([len(rows) for rows in self._rows if rows is not None], np.int64)

    @property
    def column_names(self) -> list[str]:
        """Names that :meth:`columns` knows."""
        return [*self._parts[0].column_names, "y"]

    @checked
    def columns(self, names: Sequence[str] | None = None) -> RowColumns:
        """Return columns of all rows; the features are not read.

        Args:
            names: identity columns (``layout.identity``; of taus ``run``, ``lumi``, ``evt``, ``dataset_id``, ``tau_pt``,
                ``tau_eta``, ``tau_decayMode``), ``tauType``, ``label``, ``weight``, and ``y``: the label as float32
                [n, classes] or [n, 1] (1 for data); ``None`` for all.

        Raises:
            InputError: if there is no such column.
        """
        names = self.column_names if names is None else list(names)
        if unknown := [name for name in names if name not in self.column_names]:
            hints = ", ".join(f"{name}{nearest(name, self.column_names)}" for name in unknown)
            msg = f"{self.folder}: no column {hints}; there are {', '.join(self.column_names)}"
            raise InputError(msg)
        stored = list(dict.fromkeys("label" if name == "y" else name for name in names))
        parts = [reader.all_columns(stored) for reader in self._parts]
        whole = merge_columns(parts)
        if self._keep is not None:
            whole = {name: values[self._keep] for name, values in whole.items()}
        return {name: self.one_hot(whole["label"]) if name == "y" else whole[name] for name in names}

    def one_hot(self, label: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return labels as float32: [n, classes] (all zero if unlabelled), or [n, 1] in an adversarial set."""
        if self.kind == "adversarial":
            return (label == 1).astype(np.float32)[:, None]
        return (label[:, None] == np.arange(len(self.classes))).astype(np.float32)

    def chunk(self, number: int) -> tuple[Any, RowColumns]:
        """Return packed features and columns of a chunk."""
        part, index = self._places[number]
        packed, columns = self._parts[part].features(index), self._parts[part].columns(index)
        rows = self._rows[number]
        if rows is None:
            return packed, columns
        return packed.take(rows), take_columns(columns, rows)

    def take(self, rows: ArrayLike | slice) -> tuple[Any, RowColumns]:
        """Return features and columns of some rows, in the order given (the chunks that hold them are read).

        The features are ``SparseTaus``, or ``ScaledJets``; both have ``as_inputs()``, the inputs of a network.
        """
        wanted = np.arange(self.num_rows)[row_index(rows, self.num_rows, self.folder)]
        ends = np.cumsum(self.chunk_sizes)
        place = np.searchsorted(ends, wanted, side="right")
        found = [(number, np.flatnonzero(place == number)) for number in np.unique(place)]
        if not found:
            empty = {name: values[:0] for name, values in self.chunk(0)[1].items()}
            return self.layout.empty(), self.with_y(empty)
        packed, columns = [], []
        for number, where in found:
            local = wanted[where] - (ends[number] - self.chunk_sizes[number])
            chunk, values = self.chunk(number)
            packed.append(chunk.take(local))
            columns.append(take_columns(values, local))
        back = np.argsort(np.concatenate([where for _, where in found]))
        merged = take_columns(merge_columns(columns), back)
        return self.layout.unpack(self.layout.concatenate(packed).take(back)), self.with_y(merged)

    def with_y(self, columns: RowColumns) -> RowColumns:
        """Return the columns with ``y`` added."""
        return {**columns, "y": self.one_hot(columns["label"])}

    @checked
    def split(self, fraction: float, seed: int = 0) -> tuple[ShardSet, ShardSet]:
        """Return (training, validation) views with disjoint events, or disjoint jets.

        Whether an event is in the validation part follows from a hash of (seed, run, lumi, evt) alone (a jet: of the seed
        and its content), so it does not depend on order, size or other content of the set.

        Args:
            fraction: expected fraction of the events in the validation part.
            seed: of the hash.

        Raises:
            InputError: if a part would be empty.
        """
        ids = self.columns(self.layout.key)
        chosen = hash_fraction(seed, ids.values()) < fraction
        if not 0 < chosen.sum() < len(chosen):
            msg = (
                f"{self.folder}: a validation fraction of {fraction} gives {chosen.sum()} of {len(chosen)} {self.rows_name}"
            )
            raise InputError(msg)
        return self._view(~chosen), self._view(chosen)

    @checked
    def head(self, num_rows: NonNegativeInt) -> ShardSet:
        """Return a view of the first rows."""
        return self._view(np.arange(self.num_rows) < num_rows)

    def _view(self, chosen: NDArray[np.bool_]) -> ShardSet:
        keep = np.zeros(int(self._stored_sizes.sum()), bool)
        keep[np.flatnonzero(self._keep) if self._keep is not None else slice(None)] = chosen
        return ShardSet(self.folder, self.manifest, self.description, keep, self._parts)

    @checked
    def num_steps_per_epoch(self, batch_size: PositiveInt, *, drop_remainder: bool = False) -> int:
        """Return the number of batches of ``batch_size`` rows in one pass over the set."""
        return self.num_rows // batch_size if drop_remainder else -(-self.num_rows // batch_size)


def iterate(shards: ShardSet, batch_size: int) -> Iterator[tuple[dict[str, NDArray[Any]], RowColumns]]:
    """Yield (network inputs, columns) of all rows in stored order; the last batch may be smaller.

    The inputs are those of ``as_inputs()`` of the unpacked rows, the columns all that :meth:`ShardSet.columns` knows.
    """
    layout = shards.layout
    packed: list[Any] = []
    columns: list[RowColumns] = []
    waiting = 0
    for number in range(len(shards.chunk_sizes)):
        chunk, values = shards.chunk(number)
        packed.append(chunk)
        columns.append(values)
        waiting += len(chunk)
        last = number == len(shards.chunk_sizes) - 1
        if waiting < batch_size and not last:
            continue
        together = layout.concatenate(packed)
        merged = merge_columns(columns)
        used = waiting if last else waiting - waiting % batch_size
        for start in range(0, used, batch_size):
            rows = np.arange(start, min(start + batch_size, used))
            inputs = layout.unpack(together.take(rows)).as_inputs()
            yield inputs, shards.with_y(take_columns(merged, rows))
        rest = np.arange(used, waiting)
        packed = [together.take(rest)]
        columns = [take_columns(merged, rest)]
        waiting -= used
