"""Writing of tau tuples, chunk by chunk, as TTree (leaf arrays with shared counters) or RNTuple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import awkward as ak
import numpy as np
import uproot

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.tuples.branches.columns import Columns, check_counts, counter_names, dtype_of, prepared
from TauAdv.tuples.branches.records import contents_of
from TauAdv.tuples.branches.writable import Format, name_problem, require_writable
from TauAdv.tuples.compression import compression as named_compression
from TauAdv.tuples.linear_trees import linear_trees
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.schema import branch_or_none
from TauAdv.tuples.sources import TupleSource

__all__ = ["Format", "TupleWriter"]


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
        counters: by jagged branch, the name of the branch that counts its values in a TTree; branches of one counter have
            equal lengths. Others get ``n_`` and their collection (``n_pfCand``).

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
        counters: Mapping[str, str] | None = None,
    ) -> None:
        if format not in ("ttree", "rntuple"):
            msg = f"format '{format}': expected 'ttree' or 'rntuple'"
            raise ConfigError(msg)
        self.path, self.tree, self.format = Path(path), tree, format
        self.num_entries = 0
        self._schema_types, self._counters = schema_types, counters or {}
        self._present: set[str] = set()
        self._trees: dict[str, tuple[Any, dict[str, np.dtype]]] = {}
        codec = named_compression(compression, level)
        # an open file, not its name: uproot takes '::' and ':' in names for other file systems
        self._stack = ExitStack()
        stream = self._stack.enter_context(self.path.open("r+b" if update else "w+b"))
        if update:
            self._file = uproot.update(stream)
            self._file.compression = codec
            self._present = set(self._file.keys(cycle=False))
            if tree in self._present:
                self.close()
                self._refuse(tree)
        else:
            self._file = uproot.recreate(stream, compression=codec)

    def __enter__(self) -> TupleWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the file."""
        with self._stack:
            self._file.close()

    def extend(self, arrays: ak.Array | Mapping[str, Any]) -> None:
        """Append entries: records with one field, or a mapping with one array, per branch.

        Raises:
            InputError: if lengths differ, branches differ from the first call's, or values do not fit their type.
        """
        self.num_entries += self._extend(self.tree, arrays, self._counters, schema_types=self._schema_types)

    def copy_tree(
        self,
        source: Path | str | Sequence[Path | str] | TupleSource,
        tree: str,
        step_size: int = 20_000,
        branches: Sequence[str] | None = None,
    ) -> int:
        """Copy a tree of another file (of several: one after the other) with its types; return its entries.

        Args:
            source: files, or their reader.
            tree: name of the tree, in the source and here.
            step_size: most entries in memory at once.
            branches: those to copy; all if ``None``.

        Raises:
            InputError: if a file does not have that tree, or a branch cannot be written.
        """
        reader = source if isinstance(source, TupleSource) else open_tuples(source, tree)
        names = require_writable(reader, reader.branches if branches is None else branches, format=self.format)
        copied = 0
        for chunk in reader.iterate(names, step_size=step_size):
            copied += self._extend(tree, chunk, reader.counters, schema_types=False)
        if not copied:
            self._extend(tree, reader.empty(names), reader.counters, schema_types=False)
        return copied

    def _extend(
        self, tree: str, arrays: ak.Array | Mapping[str, Any], counters: Mapping[str, str], *, schema_types: bool
    ) -> int:
        columns = {
            name: prepared(name, content, branch_or_none(name) if schema_types else None)
            for name, content in contents_of(arrays).items()
        }
        length = self._check_lengths(columns)
        if self.format == "ttree":
            check_counts(columns, counters)
        if tree not in self._trees:
            types = {name: dtype_of(column) for name, column in columns.items()}
            self._trees[tree] = (self._make(tree, columns, counters), types)
        target, types = self._trees[tree]
        self._check_types(tree, columns, types)
        if length:
            target.extend({name: columns[name] for name in types} if self.format == "ttree" else ak.Array(columns))
        return length

    def _refuse(self, tree: str) -> None:
        msg = f"{self.path}: already has a tree '{tree}'; give another name, or --overwrite to make the file anew"
        raise OutputExistsError(msg)

    def _check_lengths(self, columns: Columns) -> int:
        lengths = {name: len(column) for name, column in columns.items()}
        if not lengths:
            msg = f"{self.path}: no branch to write"
            raise InputError(msg)
        first = next(iter(lengths.values()))
        if different := [f"{name} ({length})" for name, length in lengths.items() if length != first]:
            msg = f"{self.path}: branches of unequal length: expected {first} entries as in {next(iter(lengths))}, received "
            raise InputError(msg + ", ".join(different))
        return first

    def _check_types(self, tree: str, columns: Columns, types: dict[str, np.dtype]) -> None:
        missing, unknown = [n for n in types if n not in columns], [n for n in columns if n not in types]
        changed = [name for name, column in columns.items() if name in types and types[name] != dtype_of(column)]
        for problem, names in (("lacks", missing), ("adds", unknown), ("has other types in", changed)):
            if names:
                msg = f"{self.path}: tree '{tree}': compared with the first chunk, this one {problem} {', '.join(names)}"
                raise InputError(msg)

    def _make(self, tree: str, columns: Columns, counters: Mapping[str, str]) -> Any:
        if tree in self._present:
            self._refuse(tree)
        for name in columns:
            if problem := name_problem(name, self.format):
                msg = f"{self.path}: branch '{name}' cannot be written: {problem}"
                raise InputError(msg)
        if self.format == "rntuple":
            return self._file.mkrntuple(tree, ak.Array(columns).layout.form)
        types = {name: column.type if isinstance(column, ak.Array) else dtype_of(column) for name, column in columns.items()}
        with linear_trees():
            return self._file.mktree(tree, types, counter_name=counter_names(columns, counters).__getitem__)
