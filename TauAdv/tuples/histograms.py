"""ROOT histograms in and out, under- and overflow bins included."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hist
import numpy as np
import uproot

from TauAdv.errors import InputError, first_line, nearest
from TauAdv.tuples.axes import Axis, FloatArray
from TauAdv.tuples.read_errors import reading
from TauAdv.tuples.trees import open_root

__all__ = ["Histogram", "read_th1", "read_th2", "to_hist", "write_histograms"]

#: TH1D and the like; a TH2Poly or a TProfile has no such contents
_KINDS = {dimensions: re.compile(rf"TH{dimensions}[CSILFD]") for dimensions in (1, 2)}


@dataclass(frozen=True, eq=False)
class Histogram:
    """A histogram of a ROOT file, with ROOT's own edges (a ``hist.Hist`` computes those of equal bins anew).

    Attributes:
        axes: of x, and of y.
        contents: sums of weights, under- and overflow included.
        squares: sums of squared weights, of the same shape; ``None`` if the histogram has none.
        source: file and key, for messages.
    """

    axes: tuple[Axis, ...]
    contents: FloatArray
    squares: FloatArray | None
    source: str = "histogram"

    def values(self, flow: bool = False) -> FloatArray:
        """Return the contents, with or without the under- and overflow bins."""
        return self.contents if flow else _inner(self.contents)

    def variances(self, flow: bool = False) -> FloatArray:
        """Return the squared errors; as in ROOT those of counts if no squared weights were kept."""
        own = np.abs(self.contents) if self.squares is None else self.squares
        return own if flow else _inner(own)


def read_th1(file: Path | str, key: str) -> Histogram:
    """Return a one-dimensional histogram of a ROOT file; ``key`` may lead through folders, as in ``mt_inclusive/EMB``.

    Of several versions of a histogram it is the last, unless ``key`` names one, as in ``mt_inclusive/EMB;1``.
    ``.values(flow=True)`` includes the under- and overflow bins, ``.axes[0].edges`` are the bin edges.

    Raises:
        InputError: if the file or the histogram is damaged, the histogram is missing (lists those there are) or not
            one-dimensional, or its axis has labels instead of rising, finite edges.
    """
    return _read(file, key, 1)


def read_th2(file: Path | str, key: str) -> Histogram:
    """Return a two-dimensional histogram, axes x and y (see :func:`read_th1`)."""
    return _read(file, key, 2)


def to_hist(values: Any, *edges: Sequence[float] | Axis, variances: Any = None) -> hist.Hist:
    """Return a histogram with given contents.

    Args:
        values: contents, with or without the under- and overflow bins of all axes.
        edges: bin edges of each axis.
        variances: squared errors, of the shape of ``values``; without them the histogram has none of its own.

    Raises:
        InputError: if the shapes do not fit, or edges do not increase.
    """
    axes = [axis if isinstance(axis, Axis) else Axis.variable(axis) for axis in edges]
    storage = hist.storage.Double() if variances is None else hist.storage.Weight()
    histogram = hist.Hist(*(axis.as_hist() for axis in axes), storage=storage)
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
        histograms: per key (``folder/name`` makes the folder) a :class:`Histogram`, a ``hist.Hist`` or a tuple
            (values, edges) or (values, x edges, y edges) for :func:`to_hist`. Equal bins are written as equal bins.
    """
    # an open file, not its name: uproot takes '::' and ':' in names for other file systems
    with Path(path).open("w+b") as stream, uproot.recreate(stream) as file:
        for key, content in histograms.items():
            file[key] = _as_hist(content)


def _as_hist(content: Any) -> hist.Hist:
    if isinstance(content, Histogram):
        return to_hist(content.contents, *content.axes, variances=content.squares)
    return content if isinstance(content, hist.Hist) else to_hist(*content)


def _inner(array: FloatArray) -> FloatArray:
    return array[(slice(1, -1),) * array.ndim]


def _with_flow(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape == shape:
        return array
    if array.shape == tuple(size - 2 for size in shape):
        return np.pad(array, 1)
    inner = tuple(size - 2 for size in shape)
    msg = f"histogram contents have shape {array.shape}; expected {inner}, or {shape} with under- and overflow"
    raise InputError(msg)


def _read(path: Path | str, key: str, dimensions: int) -> Histogram:
    with open_root(path) as file:
        with reading(Path(path)):
            kinds = file.classnames(cycle=False) | (file.classnames(cycle=True) if ";" in key else {})
        known = [name for name, kind in kinds.items() if _KINDS[dimensions].fullmatch(kind)]
        key = key.strip("/")
        if key not in known:
            other = f"'{key}' is a {kinds[key]}, not a TH{dimensions}" if key in kinds else f"no histogram '{key}'"
            msg = f"{path}: {other}{nearest(key, known)}; TH{dimensions} in this file: {_listed(known)}"
            raise InputError(msg)
        return _histogram(file, Path(path), key, dimensions)


def _listed(names: Sequence[str], most: int = 30) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none"


def _histogram(file: Any, path: Path, key: str, dimensions: int) -> Histogram:
    """Return a histogram from its members: what uproot makes of them lacks the edges that ROOT computes."""
    source = f"{path}: {key}"
    try:
        found = file[key]
        (contents,) = found.base(uproot.models.TArray.Model_TArray)
        contents, squares = (np.array(each, np.float64) for each in (contents, found.member("fSumw2")))
        axes = [_AxisMembers.of(found.member(name)) for name in ("fXaxis", "fYaxis")[:dimensions]]
    except Exception as error:  # damaged bytes make uproot and the decompressors raise anything
        cause = f"{type(error).__name__}: {first_line(error)}"
        msg = f"{path}: histogram '{key}' cannot be read, it may be damaged; make it again ({cause})"
        raise InputError(msg) from error
    bins = tuple(axis.axis(f"{source}: {name} axis") for axis, name in zip(axes, "xy", strict=False))
    shape = tuple(len(axis) + 2 for axis in bins)
    # as in a ROOT file: x runs fastest
    return Histogram(
        bins,
        _shaped(contents, shape, f"{source}: contents"),
        _shaped(squares, shape, f"{source}: sums of squared weights (Sumw2)") if squares.size else None,
        source,
    )


def _shaped(values: FloatArray, shape: tuple[int, ...], name: str) -> FloatArray:
    if values.size != np.prod(shape):
        msg = f"{name}: expected {np.prod(shape)} numbers for its bins, found {values.size}; it is damaged, make it again"
        raise InputError(msg)
    return values.reshape(shape[::-1]).T


@dataclass(frozen=True)
class _AxisMembers:
    """What a ROOT file says about an axis."""

    bins: int
    low: float
    high: float
    edges: FloatArray
    labels: tuple[str, ...]

    @classmethod
    def of(cls, axis: Any) -> _AxisMembers:
        labels = tuple(str(label) for label in axis.member("fLabels") or ())
        low, high = (float(axis.member(name)) for name in ("fXmin", "fXmax"))
        return cls(int(axis.member("fNbins")), low, high, np.array(axis.member("fXbins"), np.float64), labels)

    def axis(self, name: str) -> Axis:
        """Return the axis.

        Raises:
            InputError: if it has labels, or no rising, finite edges.
        """
        if self.labels:
            msg = f"{name} has labels ({_listed(self.labels, 5)}), expected numeric bins; make it again without labels"
            raise InputError(msg)
        if self.edges.size not in (0, self.bins + 1):
            msg = f"{name}: {self.bins} bins with {self.edges.size} edges; it is damaged, make it again"
            raise InputError(msg)
        try:
            return Axis.variable(self.edges) if self.edges.size else Axis.equal_bins(self.bins, self.low, self.high)
        except InputError as error:
            msg = f"{name}: {error}; make the histogram again"
            raise InputError(msg) from error
