"""Writing of tau tuples, chunk by chunk, as TTree (leaf arrays with shared counters) or RNTuple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import awkward as ak
import numpy as np
import uproot

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.tuples.compression import compression as named_compression
from TauAdv.tuples.reader import TupleReader
from TauAdv.tuples.schema import Branch, branch_or_none, collection_of

__all__ = ["Format", "TupleWriter", "counter_name"]

Format = Literal["ttree", "rntuple"]
Columns = dict[str, "np.ndarray | ak.Array"]


def counter_name(branch: str) -> str:
    """Return the branch that counts the values of a jagged one in a TTree: ``n_pfCand`` for every ``pfCand_*``."""
    return f"n_{collection_of(branch)}"


class TupleWriter:
    """Write trees to a ROOT file; use it in a ``with`` block.

    The first :meth:`extend` decides the branches. Types follow the schema; branches outside it keep their own. It writes to
    exactly ``path``: give it a name from :func:`TauAdv.io.atomic.new_file`, so that the output is whole or absent.

    Args:
        path: file to write.
        tree: name of the tree.
        format: ``ttree`` or ``rntuple``.
        compression: zlib, lzma, lz4, zstd or none.
        level: compression level; each algorithm has its own default.
        update: add to a file that exists (it is changed in place: give it a copy).
        schema_types: convert branches that the schema knows to its types; if not, they keep those they have.

    Example:
        >>> with TupleWriter("taus.root") as writer:
        ...     writer.extend({"tau_pt": np.array([30.0, 45.0])})

    Raises:
        ConfigError: if the format, compression or level is unknown.
        OutputExistsError: if ``update`` is set and the file already has that tree.
    """

    def __init__(
        self,
        path: Path | str,
        tree: str = "taus",
        *,
        format: Format = "ttree",
        compression: str = "zstd",
        level: int | None = None,
        update: bool = False,
        schema_types: bool = True,
    ) -> None:
        if format not in ("ttree", "rntuple"):
            msg = f"format '{format}': expected 'ttree' or 'rntuple'"
            raise ConfigError(msg)
        self.path, self.tree, self.format = Path(path), tree, format
        self.num_entries = 0
        self._schema_types = schema_types
        self._trees: dict[str, tuple[Any, dict[str, np.dtype]]] = {}
        codec = named_compression(compression, level)
        if update:
            self._file = uproot.update(self.path)
            self._file.compression = codec
            if tree in self._file.keys(cycle=False):
                self._file.close()
                msg = f"{self.path}: already has a tree '{tree}'; give another name, or --overwrite to make the file anew"
                raise OutputExistsError(msg)
        else:
            self._file = uproot.recreate(self.path, compression=codec)

    def __enter__(self) -> TupleWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def extend(self, arrays: ak.Array | Mapping[str, Any]) -> None:
        """Append entries: records with one field, or a mapping with one array, per branch.

        Raises:
            InputError: if lengths differ, branches differ from the first call's, or values do not fit their type.
        """
        self.num_entries += self._extend(self.tree, arrays, schema_types=self._schema_types)

    def copy_tree(self, source: Path | str | Sequence[Path | str], tree: str, step_size: int = 20_000) -> int:
        """Copy a whole tree of another file (of several: one after the other) with its types; return its entries.

        Raises:
            InputError: if a file does not have that tree.
        """
        reader = TupleReader(source, tree)
        copied = 0
        for chunk in reader.iterate(step_size=step_size):
            copied += self._extend(tree, chunk, schema_types=False)
        if not copied:
            self._extend(tree, reader.empty(), schema_types=False)
        return copied

    def _extend(self, tree: str, arrays: ak.Array | Mapping[str, Any], *, schema_types: bool) -> int:
        names = arrays.fields if isinstance(arrays, ak.Array) else list(arrays)
        columns = {name: _column(name, arrays[name], branch_or_none(name) if schema_types else None) for name in names}
        length = self._check_lengths(columns)
        if tree not in self._trees:
            types = {name: _dtype(column) for name, column in columns.items()}
            self._trees[tree] = (self._make(tree, columns), types)
        target, types = self._trees[tree]
        self._check_types(tree, columns, types)
        if length:
            target.extend({name: columns[name] for name in types} if self.format == "ttree" else ak.Array(columns))
        return length

    def _check_lengths(self, columns: Columns) -> int:
        lengths = {name: len(column) for name, column in columns.items()}
        if not lengths:
            msg = f"{self.path}: no branch to write"
            raise InputError(msg)
        first = next(iter(lengths.values()))
        if different := [f"{name} ({length})" for name, length in lengths.items() if length != first]:
            msg = f"{self.path}: branches of unequal length: expected {first} entries as in {next(iter(lengths))}, received "
            raise InputError(msg + ", ".join(different))
        if self.format == "ttree":
            _check_collections(columns)
        return first

    def _check_types(self, tree: str, columns: Columns, types: dict[str, np.dtype]) -> None:
        missing, unknown = [n for n in types if n not in columns], [n for n in columns if n not in types]
        changed = [name for name, column in columns.items() if types.get(name, _dtype(column)) != _dtype(column)]
        for problem, names in (("lacks", missing), ("adds", unknown), ("has other types in", changed)):
            if names:
                msg = f"{self.path}: tree '{tree}': compared with the first chunk, this one {problem} {', '.join(names)}"
                raise InputError(msg)

    def _make(self, tree: str, columns: Columns) -> Any:
        if self.format == "rntuple":
            return self._file.mkrntuple(tree, ak.Array(columns).layout.form)
        types = {name: column.type if isinstance(column, ak.Array) else column.dtype for name, column in columns.items()}
        return self._file.mktree(tree, types, counter_name=counter_name)


def _column(name: str, values: Any, entry: Branch | None) -> np.ndarray | ak.Array:
    """Return values as a flat numpy array, or a packed awkward array if jagged, of the type that the schema entry has."""
    array = values if isinstance(values, ak.Array) else np.asarray(values)
    jagged = array.ndim == 2
    if array.ndim not in (1, 2) or (entry is not None and entry.jagged != jagged):
        expected = "one list per entry" if entry is not None and entry.jagged else "one number per entry"
        msg = f"branch {name}: expected {expected}, received an array of {array.ndim} dimensions"
        raise InputError(msg)
    if not jagged:
        return _cast(name, ak.to_numpy(array), entry.dtype if entry else None)
    packed = ak.to_packed(ak.from_regular(array, axis=1))
    flat = _cast(name, ak.to_numpy(ak.flatten(packed)), entry.dtype if entry else None)
    return ak.unflatten(flat, ak.to_numpy(ak.num(packed)))


def _cast(name: str, values: np.ndarray, dtype: np.dtype | None) -> np.ndarray:
    values = np.ma.getdata(values)
    dtype = values.dtype.newbyteorder("=") if dtype is None else dtype
    if values.dtype == dtype:
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        converted = values.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(converted, values):
        wrong = values[converted != values][0]
        msg = f"branch {name}: {wrong!s} does not fit its type {dtype} (received {values.dtype})"
        raise InputError(msg)
    return converted


def _dtype(column: np.ndarray | ak.Array) -> np.dtype:
    return column.dtype if isinstance(column, np.ndarray) else ak.to_numpy(ak.flatten(column)).dtype


def _check_collections(columns: Columns) -> None:
    first: dict[str, tuple[str, np.ndarray]] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            continue
        counts = ak.to_numpy(ak.num(column))
        leader, expected = first.setdefault(collection_of(name), (name, counts))
        if not np.array_equal(counts, expected):
            entry = int(np.flatnonzero(counts != expected)[0])
            msg = (
                f"branch {name}: has {counts[entry]} values where {leader} of the same objects has {expected[entry]} "
                f"(entry {entry} of the chunk); a TTree needs equal lengths: write format='rntuple' or leave one out"
            )
            raise InputError(msg)
