"""``ta.tuples``, ``ta.features``, ``ta.shards``: what taggers read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from TauAdv.arguments import checked
from TauAdv.features.table import FeatureTable
from TauAdv.shards.row_types import rows_of
from TauAdv.shards.rows import Rows, rows_of_arrays, rows_of_tuples
from TauAdv.shards.store import ShardSet
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource

__all__ = ["features", "shards", "tuples"]

_ROWS_AT_ONCE = 2000  # features of a tau need about 25 kB while they are made


@checked
def tuples(files: str | Path | Sequence[str | Path], tree: str = "taus", *, allow_duplicates: bool = False) -> TupleSource:
    """Open tuples of taus; entries are read when they are used (``iterate``, :func:`features`, ``tagger.predict``).

    Args:
        files: ROOT or Parquet file, folder, glob pattern, text list of files, or several of these.
        tree: name of the tree.
        allow_duplicates: read a file again that is given under another name, or as a copy.

    Raises:
        InputError: a file is missing, damaged or without the tree, or files are of several formats.
    """
    return open_tuples(files, tree, allow_duplicates=allow_duplicates)


@checked
def shards(folder: str | Path) -> ShardSet:
    """Open a set of shards, of taus or of jets.

    Raises:
        InputError: the folder is not a finished set of shards.
    """
    return ShardSet.open(folder)


@checked
def features(rows: Any, table: Any = "deeptau_v2p5", **extraction: Any) -> Rows:
    """Return scaled features of all rows, in memory (a tau takes a few kB).

    Args:
        rows: tuples (:func:`tuples`); or arrays of physical values: a mapping from branches to arrays (taus), an array
            [n, inputs] or a mapping from columns to arrays (jets).
        table: feature table, of ``tagger.table`` or ``shards.table``; or the name or YAML file of a table of taus.
        extraction: of taus: ``era``, ``rm_inner_from_outer``, as in the settings of shards.

    Raises:
        InputError: missing branches, or arrays of other shapes.
        ConfigError: no such table, or an unknown setting.
    """
    if isinstance(table, str | Path):
        table = FeatureTable.load(table)
    kind = rows_of(table)
    if not isinstance(rows, TupleSource):
        return rows_of_arrays(rows, table, kind, extraction)
    parts = list(rows_of_tuples(rows, table, kind, extraction, rows_at_once=_ROWS_AT_ONCE))
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    return Rows(type(parts[0].features).concatenate([part.features for part in parts]), columns, table)
