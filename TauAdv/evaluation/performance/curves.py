"""ROC curves and working points of one tagger in bins of pt, abs(eta) and decay mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.measures.roc import auc
from TauAdv.evaluation.measures.statistics import Measured, efficiencies, weighted_quantile
from TauAdv.evaluation.measures.working_points import Thresholds
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.settings import Bin, PerformanceSettings
from TauAdv.evaluation.predictions.columns import finite_column

__all__ = ["Performance", "PerformanceCurve", "Points", "measure_performance"]

#: efficiencies at which curves are given: even steps, and finer ones near 1 for the working points against muons
_GRID = np.unique(np.r_[np.arange(0.05, 0.99, 0.005), np.arange(0.99, 0.999, 0.001), np.arange(0.999, 1, 0.0001)].round(4))


@dataclass(frozen=True)
class Points:
    """Fractions of signal and background that pass some thresholds, with the ends of their 68 % intervals; all [n].

    Attributes:
        thresholds: a score above passes; ``None`` where a file does not say it.
        efficiency, efficiency_low, efficiency_high: of genuine taus.
        mis_id, low, high: of the background.
        names: of the working points; empty for a curve.
    """

    thresholds: NDArray[np.float64] | None
    efficiency: NDArray[np.float64]
    efficiency_low: NDArray[np.float64]
    efficiency_high: NDArray[np.float64]
    mis_id: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class PerformanceCurve:
    """How well taus are told from one background in one bin.

    Attributes:
        background: e, mu or jet.
        bin: where.
        dataset: what the candidates are called.
        curve: at rising efficiencies; ``None`` where a file has working points alone.
        points: working points; ``None`` without thresholds.
        auc: area under the ROC curve.
        counts: candidates by class.
        disturbance: name of what was done to the inputs; empty for the inputs as they are.
    """

    background: str
    bin: Bin
    dataset: str
    curve: Points | None
    points: Points | None
    auc: Measured | None
    counts: dict[str, int] = field(default_factory=dict)
    disturbance: str = ""


@dataclass(frozen=True)
class Performance:
    """The performance of one tagger.

    Attributes:
        name: of the tagger.
        period: year and energy.
        curves: of all backgrounds and bins that hold candidates.
        thresholds: background -> working point -> threshold.
        empty: a line for every bin without taus or without background.
        notes: what a reader should know.
        set_digest: tells whether two were measured on the same set; empty if that is not known.
    """

    name: str
    period: str
    curves: tuple[PerformanceCurve, ...]
    thresholds: Thresholds = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    set_digest: str = ""


def measure_performance(
    taus: LabelledTaus,
    settings: PerformanceSettings | None = None,
    thresholds: Thresholds | None = None,
    *,
    name: str = "tagger",
) -> Performance:
    """Return ROC curves, AUC and working points in bins.

    Args:
        taus: labelled candidates.
        settings: see :class:`PerformanceSettings`.
        thresholds: background -> working point -> threshold.
        name: of the tagger.

    Raises:
        InputError: negative weights of taus, a requirement without its threshold, or bins that are all empty.
    """
    settings, thresholds = settings or PerformanceSettings(), thresholds or {}
    found: list[PerformanceCurve] = []
    empty: list[str] = []
    for background in settings.against:
        passing = _passing_required(taus, background, settings, thresholds)
        for place, inside in _inside(taus, settings.bins):
            rows = [np.flatnonzero(inside & passing & taus.are(side)) for side in ("tau", background)]
            if settings.weighted:
                taus.require_weights(rows[0])
            weights = [taus.weights[chosen] if settings.weighted else np.ones(len(chosen)) for chosen in rows]
            if lacking := _lacking(("tau", background), weights):
                empty.append(f"{background}, {place}: {lacking}")
                continue
            scores = [taus.scores[background][chosen] for chosen in rows]
            found.append(_curve(background, place, taus.source, scores, weights, thresholds))
    if not found:
        msg = f"{taus.source}: no bin holds genuine taus and background: {'; '.join(empty)}"
        raise InputError(msg)
    return Performance(name, settings.period, tuple(found), thresholds, tuple(empty), taus.warnings, taus.set_digest)


def _inside(taus: LabelledTaus, bins: Sequence[Bin]) -> Iterator[tuple[Bin, NDArray[np.bool_]]]:
    pt, eta, mode = (finite_column(taus.table, name) for name in ("tau_pt", "tau_eta", "tau_decayMode"))
    for place in bins:
        in_pt = (pt >= place.pt[0]) & (pt < place.pt[1])
        in_eta = (np.abs(eta) >= place.abs_eta[0]) & (np.abs(eta) < place.abs_eta[1])
        yield place, in_pt & in_eta & np.isin(mode, place.decay_modes)


def _passing_required(
    taus: LabelledTaus, background: str, settings: PerformanceSettings, thresholds: Thresholds
) -> NDArray[np.bool_]:
    passing = np.ones(len(taus.table), bool)
    for other, name in settings.require.items():
        if other == background:
            continue
        known = thresholds.get(other, {})
        if name not in known:
            msg = f"require.{other}: no threshold of '{name}'{nearest(name, list(known))}"
            raise InputError(f"{msg}; there are {', '.join(known) or 'none'}")
        passing &= taus.scores[other] > known[name]
    return passing


def _lacking(names: Sequence[str], weights: Sequence[NDArray[np.float64]]) -> str:
    """Return which sides have no candidates, or no weight, in words."""
    found = []
    for name, values in zip(names, weights, strict=True):
        if not len(values):
            found.append(f"no candidates of {name}")
        elif not values.sum() > 0:
            found.append(f"{len(values)} candidates of {name} with the total weight {values.sum():g}")
    return ", ".join(found)


def _curve(
    background: str,
    place: Bin,
    dataset: str,
    scores: Sequence[NDArray[np.float64]],
    weights: Sequence[NDArray[np.float64]],
    thresholds: Thresholds,
) -> PerformanceCurve:
    cuts = np.unique(weighted_quantile(scores[0], 1 - _GRID, weights[0]))[::-1]
    curve = _points(scores, weights, cuts)
    wanted = thresholds.get(background, {})
    # from the tightest to the loosest, as curves and files of TauMLTools go
    order = sorted(wanted, key=lambda name: -wanted[name])
    points = _points(scores, weights, np.array([wanted[name] for name in order]), tuple(order)) if wanted else None
    area = auc(scores[0], scores[1], weights[0], weights[1])
    counts = {"tau": len(scores[0]), background: len(scores[1])}
    return PerformanceCurve(background, place, dataset, curve, points, area, counts)


def _points(
    scores: Sequence[NDArray[np.float64]],
    weights: Sequence[NDArray[np.float64]],
    cuts: NDArray[np.float64],
    names: tuple[str, ...] = (),
) -> Points:
    signal, background = (efficiencies(side, cuts, weight) for side, weight in zip(scores, weights, strict=True))
    return Points(cuts, *signal, *background, names)
