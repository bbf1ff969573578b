"""What may be a weight or a momentum: checked here, before a step uses or writes it.

Contents of histograms and event weights are finite; negative ones, which Monte Carlo generators give, are taken only where
the user says so (``--allow-negative``). What will be stored in single precision must survive that. Momenta are finite; for
candidates without a reconstructed tau they are negative (-999, or the lowest float) and belong into the underflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.tuples.axes import Axis, FloatArray
from TauAdv.tuples.histograms import Histogram

__all__ = ["check_contents", "check_event_weights", "check_finite", "numbers_of"]

_SINGLE = np.finfo(np.float32)
#: squares and sums of larger weights do not fit into double precision
_LARGEST = 1e150
_SHOWN = 5
_ALLOW = "--allow-negative (allow_negative: true)"


def check_contents(histogram: Histogram, *, allow_negative: bool = False, single_precision: bool = False) -> int:
    """Check that the contents of a histogram can be weights, under- and overflow included.

    Args:
        histogram: of weights, or a spectrum that weights are made from.
        allow_negative: take negative contents.
        single_precision: the contents become float32.

    Returns:
        The number of negative bins.

    Raises:
        InputError: names the bins whose content is not finite, negative, or too large or too small for float32, and those
            whose squared error is no number or negative.
    """
    contents, squares = histogram.contents, histogram.variances(flow=True)
    _refuse(histogram, ~np.isfinite(contents), contents, "content is not a finite number", "make the histogram again")
    bad = ~np.isfinite(squares) | (squares < 0)
    _refuse(histogram, bad, squares, "sum of squared weights (Sumw2) is no finite number >= 0", "make the histogram again")
    size = np.abs(contents)
    if single_precision:
        bad = (size > _SINGLE.max) | ((size > 0) & (size < _SINGLE.smallest_normal))
        limits = f"between {_SINGLE.smallest_normal:.2g} and {_SINGLE.max:.2g}"
        _refuse(histogram, bad, contents, "content does not fit into single precision (float32)", f"give weights {limits}")
    _refuse(histogram, size > _LARGEST, contents, "content is too large to be summed", "scale the histogram")
    negative = contents < 0
    if not allow_negative:
        _refuse(histogram, negative, contents, "content is negative", f"correct the histogram, or use {_ALLOW}")
    return int(negative.sum())


def _refuse(histogram: Histogram, bad: np.ndarray, values: FloatArray, reason: str, suggestion: str) -> None:
    places = np.argwhere(bad)
    if places.size:
        shown = "; ".join(
            f"{bin_name(histogram.axes, place)}: {values[tuple(place)]:.6g}" for place in places[:_SHOWN].tolist()
        )
        more = f"; and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        msg = f"{histogram.source}: {len(places)} of {values.size} bins whose {reason}: {shown}{more}; {suggestion}"
        raise InputError(msg)


def bin_name(axes: Sequence[Axis], place: Sequence[int]) -> str:
    """Return what messages call a bin."""
    return " x ".join(axis.bin_name(number) for axis, number in zip(axes, place, strict=True))


def numbers_of(values: Any, name: str) -> FloatArray:
    """Return a branch as float64, one number a tau.

    Args:
        values: awkward or numpy array.
        name: of the branch, for the message.

    Raises:
        InputError: if it holds lists, strings or records.
    """
    layout = ak.to_layout(values)
    try:
        array = np.asarray(ak.to_numpy(layout, allow_missing=False))
    except (ValueError, TypeError):
        array = np.empty((0, 0))
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        msg = f"{name}: expected one number a tau, found {layout.form.type}; give another branch"
        raise InputError(msg)
    return array.astype(np.float64)


def check_event_weights(weights: Any, name: str, *, allow_negative: bool = False) -> FloatArray:
    """Return event weights as float64.

    Args:
        weights: one a tau.
        name: of the branch, for messages.
        allow_negative: take negative ones.

    Raises:
        InputError: if they are not one number a tau, or one is not finite, too large to be summed, or negative.
    """
    array = numbers_of(weights, name)
    suggestion = f"leave these taus out ({command('skim')} --sel)"
    _refuse_some(array, ~np.isfinite(array), name, "event weights are not finite", suggestion)
    _refuse_some(array, np.abs(array) > _LARGEST, name, "event weights are too large to be summed", suggestion)
    if not allow_negative:
        _refuse_some(array, array < 0, name, "event weights are negative", f"take them with {_ALLOW}")
    return array


def check_finite(values: Any, name: str) -> FloatArray:
    """Return a branch that is to be binned, as float64.

    Raises:
        InputError: if it is not one number a tau, or one is not finite: it belongs into no bin.
    """
    array = numbers_of(values, name)
    suggestion = f"leave these taus out, for example with {command('skim')} --sel 'std::abs({name}) < 1e6'"
    _refuse_some(array, ~np.isfinite(array), name, "values are not finite", suggestion)
    return array


def _refuse_some(values: FloatArray, bad: np.ndarray, name: str, what: str, suggestion: str) -> None:
    at = np.flatnonzero(bad)
    if at.size:
        shown = ", ".join(f"{value:.6g}" for value in values[at[:_SHOWN]])
        more = ", ..." if at.size > _SHOWN else ""
        msg = f"{name}: {at.size} of {values.size} {what} ({shown}{more}); {suggestion}"
        raise InputError(msg)
