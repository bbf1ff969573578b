"""ROOT histograms in and out, under- and overflow bins included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hist
import numpy as np
import uproot

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.reader import open_root

__all__ = ["read_th1", "read_th2", "to_hist", "write_histograms"]


def read_th1(file: Path | str, key: str) -> hist.Hist:
    """Return a one-dimensional histogram of a ROOT file; ``key`` may lead through folders, as in ``mt_inclusive/EMB``.

    ``.values(flow=True)`` includes the under- and overflow bins, ``.axes[0].edges`` are the bin edges.

    Raises:
        InputError: if the file is damaged or the histogram missing (lists those there are) or not one-dimensional.
    """
    return _read(file, key, 1)


def read_th2(file: Path | str, key: str) -> hist.Hist:
    """Return a two-dimensional histogram, axes x and y (see :func:`read_th1`)."""
    return _read(file, key, 2)


def to_hist(values: Any, *edges: Sequence[float], variances: Any = None) -> hist.Hist:
    """Return a histogram with given contents.

    Args:
        values: contents, with or without the under- and overflow bins of all axes.
        edges: bin edges of each axis.
        variances: squared errors, of the shape of ``values``; without them the histogram has none of its own.

    Raises:
        InputError: if the shapes do not fit, or edges do not increase.
    """
    if any(len(axis) < 2 or np.any(np.diff(axis) <= 0) for axis in edges):
        msg = f"histogram edges must increase, and there must be two at least; received {edges}"
        raise InputError(msg)
    storage = hist.storage.Double() if variances is None else hist.storage.Weight()
    histogram = hist.Hist(*(hist.axis.Variable(np.asarray(axis, dtype=np.float64)) for axis in edges), storage=storage)
    view: Any = histogram.view(flow=True)
    if variances is None:
        view[...] = _with_flow(values, view.shape)
    else:
        view.value = _with_flow(values, view.shape)
        view.variance = _with_flow(variances, view.shape)
    return histogram


def write_histograms(path: Path | str, histograms: Mapping[str, Any]) -> None:
    """Write histograms as TH1D and TH2D to a new ROOT file, under- and overflow included.

    Args:
        path: file to write (use a name from :func:`TauAdv.io.atomic.new_file`).
        histograms: per key (``folder/name`` makes the folder) a ``hist.Hist`` or a tuple (values, edges) or
            (values, x edges, y edges) for :func:`to_hist`.
    """
    with uproot.recreate(Path(path)) as file:
        for key, content in histograms.items():
            file[key] = content if isinstance(content, hist.Hist) else to_hist(*content)


def _with_flow(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape == shape:
        return array
    if array.shape == tuple(size - 2 for size in shape):
        return np.pad(array, 1)
    inner = tuple(size - 2 for size in shape)
    msg = f"histogram contents have shape {array.shape}; expected {inner}, or {shape} with under- and overflow"
    raise InputError(msg)


def _read(path: Path | str, key: str, dimensions: int) -> hist.Hist:
    with open_root(path) as file:
        kinds = file.classnames(cycle=False)
        known = [name for name, kind in kinds.items() if kind.startswith(f"TH{dimensions}")]
        if key not in known:
            other = f"'{key}' is a {kinds[key]}, not a TH{dimensions}" if key in kinds else f"no histogram '{key}'"
            msg = f"{path}: {other}{nearest(key, known)}; TH{dimensions} in this file: {', '.join(known) or 'none'}"
            raise InputError(msg)
        return file[key].to_hist()
