"""The order in which the rows of a set are read: a pure function of seed and epoch, in little memory.

How rows are shuffled once, when a set is written, is in :mod:`TauAdv.shards.shuffle`.

Chunks are read in random order; a few of them at a time (a window) are in memory, and the taus of a window are permuted one
by one. Since taus are also shuffled over the whole set when it is written, every batch is a mixture of all contributions.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.shards.files import RowColumns, merge_columns, take_columns
from TauAdv.shards.store import ShardSet

__all__ = ["WINDOW", "Stream"]

WINDOW = 8192
"""Rows that are permuted together: about 100 MB of features of taus in memory at a time."""

_WINDOWS_IN_MEMORY = 2


@dataclass(frozen=True)
class _Window:
    """Some chunks of one epoch, and the order of their taus."""

    chunks: tuple[int, ...]
    start: int
    size: int
    seed: tuple[int, ...] | None

    def rows(self) -> NDArray[np.int64]:
        """Return the permutation of the window's taus."""
        return np.arange(self.size) if self.seed is None else np.random.default_rng(self.seed).permutation(self.size)


class Stream:
    """Reads the taus of a set by their position in an epoch.

    Args:
        shards: the set.
        seed: of the permutations; every epoch has another one.
        shuffle: ``False`` keeps the stored order.
        window: taus that are permuted together, in memory.

    Raises:
        InputError: if the set is empty.
    """

    def __init__(self, shards: ShardSet, *, seed: int = 0, shuffle: bool = True, window: int = WINDOW) -> None:
        if shards.num_rows == 0:
            msg = f"{shards.folder}: no {shards.rows_name} to read"
            raise InputError(msg)
        self.shards = shards
        self._seed, self._shuffle = seed, shuffle
        self._chunks_per_window = max(1, -(-window // int(shards.chunk_sizes.max())))
        self._loaded: OrderedDict[_Window, tuple[Any, RowColumns, NDArray[np.int64]]] = OrderedDict()
        self._lock = Lock()
        self._windows = lru_cache(maxsize=2)(self._make_windows)

    def _make_windows(self, epoch: int) -> list[_Window]:
        sizes = self.shards.chunk_sizes
        order = np.arange(len(sizes))
        if self._shuffle:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(sizes))
        windows, start = [], 0
        for first in range(0, len(order), self._chunks_per_window):
            chunks = order[first : first + self._chunks_per_window]
            size = int(sizes[chunks].sum())
            seed = (self._seed, epoch, first) if self._shuffle else None
            windows.append(_Window(tuple(chunks.tolist()), start, size, seed))
            start += size
        return windows

    def _load(self, window: _Window) -> tuple[Any, RowColumns, NDArray[np.int64]]:
        with self._lock:
            if window not in self._loaded:
                while len(self._loaded) >= _WINDOWS_IN_MEMORY:
                    self._loaded.popitem(last=False)
                parts = [self.shards.chunk(number) for number in window.chunks]
                columns = merge_columns([{name: part[1][name] for name in ("label", "weight")} for part in parts])
                self._loaded[window] = (self.shards.layout.concatenate([part[0] for part in parts]), columns, window.rows())
            self._loaded.move_to_end(window)
            return self._loaded[window]

    def read(self, epoch: int, start: int, stop: int) -> tuple[Any, RowColumns]:
        """Return packed features, ``label`` and ``weight`` of the taus at positions start to stop of an epoch."""
        packed, columns = [], []
        for window in self._windows(epoch):
            first, last = max(start - window.start, 0), min(stop - window.start, window.size)
            if first < last:
                taus, values, order = self._load(window)
                rows = order[first:last]
                packed.append(taus.take(rows))
                columns.append(take_columns(values, rows))
        return self.shards.layout.concatenate(packed), merge_columns(columns)

    def rows(self, epoch: int, start: int, stop: int) -> NDArray[np.int64]:
        """Return the stored rows of the set that :meth:`read` gives at these positions; nothing is read."""
        ends = np.cumsum(self.shards.chunk_sizes)
        found = []
        for window in self._windows(epoch):
            first, last = max(start - window.start, 0), min(stop - window.start, window.size)
            if first < last:
                chunks = [
                    np.arange(ends[number] - self.shards.chunk_sizes[number], ends[number]) for number in window.chunks
                ]
                found.append(np.concatenate(chunks)[window.rows()[first:last]])
        return np.concatenate(found)

    def rows_endless(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the stored rows of the set that :meth:`read_endless` gives."""
        size = self.shards.num_rows
        found = []
        while start < stop:
            epoch, first = divmod(start, size)
            last = min(size, first + stop - start)
            found.append(self.rows(epoch, first, last))
            start += last - first
        return np.concatenate(found)

    def read_endless(self, start: int, stop: int) -> tuple[Any, RowColumns]:
        """Return the same at positions of all epochs one after the other: a batch may span the end of an epoch."""
        size = self.shards.num_rows
        packed, columns = [], []
        while start < stop:
            epoch, first = divmod(start, size)
            last = min(size, first + stop - start)
            part, values = self.read(epoch, first, last)
            packed.append(part)
            columns.append(values)
            start += last - first
        return self.shards.layout.concatenate(packed), merge_columns(columns)
