"""Tables of a study of robustness, made of class probabilities: AUC and efficiencies, regions, confusion, score shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import hist
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from TauAdv.domain.discriminators import Discriminator
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import Performance, measure
from TauAdv.evaluation.robustness.settings import RAW, RobustnessSettings

__all__ = [
    "FEWEST_PASSING",
    "as_table",
    "confusion_matrix",
    "measure_all",
    "recovered_fractions",
    "region_table",
    "require_all_classes",
    "score_shapes",
]

FEWEST_PASSING = 10
"""Background rows that must be expected at a mistag rate: with fewer, an efficiency there says nothing."""

Probabilities = Mapping[tuple[Any, ...], NDArray[np.float32]]
Performances = dict[tuple[Any, ...], Performance]


def require_all_classes(label: ArrayLike, discriminators: Sequence[Discriminator], source: object) -> None:
    """Check that every discriminator has signal and background.

    Raises:
        InputError: names the absent class and ``source``.
    """
    for discriminator in discriminators:
        discriminator.sides(label, source)


def measure_all(
    probabilities: Probabilities,
    discriminators: Sequence[Discriminator],
    label: NDArray[Any],
    weights: NDArray[Any],
    settings: RobustnessSettings,
) -> Performances:
    """Return (..., discriminator) -> AUC and efficiencies, of any number of predictions of the same rows."""
    options = {"samples": settings.bootstrap, "seed": settings.seed}
    return {
        (*key, discriminator.name): measure(
            discriminator.score(values), discriminator.sides(label), weights, settings.mistags, **options
        )
        for discriminator in discriminators
        for key, values in probabilities.items()
    }


def as_table(found: Performances, names: Sequence[str], settings: RobustnessSettings) -> pd.DataFrame:
    """Return one row per key: its parts, ``auc``, ``auc_error``, and ``efficiency_at_{mistag}`` with its error.

    Efficiencies at mistag rates at which fewer than ``FEWEST_PASSING`` background rows are expected are NaN.
    """
    rows = []
    for key, performance in found.items():
        row: dict[str, Any] = dict(zip(names, key, strict=True))
        row |= {"auc": performance.auc.value, "auc_error": performance.auc.error}
        for mistag, value in zip(settings.mistags, performance.efficiencies, strict=True):
            known = mistag * performance.background >= FEWEST_PASSING
            row |= {f"efficiency_at_{mistag:g}": value.value if known else np.nan}
            row |= {f"efficiency_at_{mistag:g}_error": value.error if known else np.nan}
        rows.append(row)
    return pd.DataFrame(rows)


def recovered_fractions(found: Performances) -> pd.DataFrame:
    """Return what runs win back of the AUC that the first loses: (run - first attacked) / (first clean - first attacked).

    Errors come from the paired bootstrap: half the central 68 % interval. NaN where the first run loses less than three
    standard deviations. ``clean_change`` is that of the AUC on raw inputs.

    Args:
        found: (run, disturbance, discriminator) -> performance.
    """
    runs = list(dict.fromkeys(run for run, _, _ in found))
    rows = []
    for run, disturbance, name in found:
        if run == runs[0] or disturbance == RAW:
            continue
        here, clean = found[run, disturbance, name].samples[:, 0], found[run, RAW, name].samples[:, 0]
        first, first_clean = found[runs[0], disturbance, name].samples[:, 0], found[runs[0], RAW, name].samples[:, 0]
        values = [found[key].auc.value for key in ((run, disturbance, name), (runs[0], disturbance, name))]
        before, after = (found[key, RAW, name].auc.value for key in (runs[0], run))
        lost, error = before - values[1], float(np.nanstd(first_clean - first))
        row = {"run": run, "disturbance": disturbance, "discriminator": name, "lost_by_first": lost}
        row |= {"clean_change": after - before, "clean_change_error": float(np.nanstd(clean - first_clean))}
        fraction = (values[0] - values[1]) / lost if lost > 3 * error else np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = np.nanquantile((here - first) / (first_clean - first), [0.1587, 0.8413])
        rows.append(row | {"recovered": fraction, "recovered_error": (high - low) / 2 if lost > 3 * error else np.nan})
    return pd.DataFrame(rows)


def region_table(
    probabilities: Probabilities,
    names: Sequence[str],
    discriminators: Sequence[Discriminator],
    columns: Mapping[str, NDArray[Any]],
    weights: NDArray[Any],
    settings: RobustnessSettings,
) -> pd.DataFrame:
    """Return AUC and efficiencies in bins of pt and of abs(eta); bins without signal or background are left out."""
    tables = []
    for variable, values, edges in _regions(columns, settings):
        for low, high in pairwise(edges):
            rows = np.flatnonzero((values >= low) & (values < high))
            label = columns["label"][rows]
            possible = [one for one in discriminators if _has_both(one, label)]
            inside = {key: found[rows] for key, found in probabilities.items()}
            measured = measure_all(inside, possible, label, weights[rows], settings)
            table = as_table(measured, [*names, "discriminator"], settings)
            tables.append(table.assign(variable=variable, low=low, high=high, rows=len(rows)))
    return pd.concat([table for table in tables if len(table)], ignore_index=True) if tables else pd.DataFrame()


def _regions(
    columns: Mapping[str, NDArray[Any]], settings: RobustnessSettings
) -> list[tuple[str, NDArray, Sequence[float]]]:
    pt, eta = (next(name for name in columns if name.endswith(ending)) for ending in ("_pt", "_eta"))
    return [("pt", columns[pt], settings.pt_edges), ("abs_eta", np.abs(columns[eta]), settings.abs_eta_edges)]


def _has_both(discriminator: Discriminator, label: NDArray[Any]) -> bool:
    signal, background = discriminator.labels
    return bool((label == signal).any() and np.isin(label, background).any())


def confusion_matrix(probabilities: ArrayLike, label: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Return [true class, most probable class]: the share of the weight of each true class; NaN for an absent one.

    Raises:
        InputError: labels or weights do not fit the probabilities.
    """
    values, true = np.asarray(probabilities), np.asarray(label, np.int64)
    weights = np.asarray(weights, np.float64)
    if values.ndim != 2 or true.shape != (len(values),) or weights.shape != true.shape:
        msg = f"confusion matrix: probabilities {values.shape}, labels {true.shape} and weights {weights.shape} do not fit"
        raise InputError(msg)
    size = values.shape[1]
    sums = np.bincount(true * size + values.argmax(axis=1), weights, size * size).reshape(size, size)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0)


def score_shapes(
    probabilities: Mapping[str, NDArray[np.float32]],
    discriminator: Discriminator,
    label: NDArray[Any],
    weights: NDArray[Any],
    bins: int,
) -> hist.Hist:
    """Return a histogram of a score with the axes (disturbance, class, score), sums of weights and of squared weights.

    Args:
        probabilities: disturbance -> class probabilities of the same rows.
        discriminator: the score.
        label: class of every row.
        weights: of every row.
        bins: equal bins of [0, 1]; 1 itself belongs to the last.
    """
    filled = hist.Hist(
        hist.axis.StrCategory(list(probabilities), name="disturbance"),
        hist.axis.StrCategory(list(discriminator.classes), name="flavour"),
        hist.axis.Regular(bins, 0, 1, name="value", label=f"Score {discriminator.title}"),
        storage=hist.storage.Weight(),
    )
    for name, values in probabilities.items():
        score = np.minimum(discriminator.score(values), np.nextafter(1, 0))
        for number, flavour in enumerate(discriminator.classes):
            rows = label == number
            filled.fill(name, flavour, score[rows], weight=weights[rows])
    return filled
