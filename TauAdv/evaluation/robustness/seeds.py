"""Repeated trainings: mean and spread, over seeds, of what runs of the same configuration reach under disturbances.

The error of one run (bootstrap of the test set) does not tell how much another training would differ; the spread over seeds
does. Trainings of equal position belong together (same seed): changes are taken within such pairs first, then averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.text import aligned
from TauAdv.evaluation.predictions.files import read_table_file
from TauAdv.evaluation.robustness.settings import RAW

__all__ = ["mean_and_spread", "over_seeds", "read_performance", "recovered_over_seeds", "seed_text"]

Trainings = Mapping[str, Sequence[str]]
_KEYS = ["disturbance", "discriminator"]


def read_performance(folder: Path | str) -> pd.DataFrame:
    """Return the table ``performance`` of a robustness report.

    Raises:
        InputError: it is not there, or not what was written.
    """
    path = Path(folder) / "performance.csv"
    if not path.is_file():
        msg = f"{path}: no such file; {command('robustness')} writes it into the folder of its report"
        raise InputError(msg)
    remedy = f"make the report again with {command('robustness')}"
    try:
        return pd.read_csv(read_table_file(path, remedy, foreign=True, output=Path(folder)))
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError, OverflowError) as error:
        msg = f"{path}: not a table: {error}; {remedy}"
        raise InputError(msg) from error


def mean_and_spread(values: ArrayLike) -> tuple[float, float]:
    """Return the mean of one value per seed, and their standard deviation (of a single seed's value; NaN for one seed)."""
    found = np.asarray(values, dtype=np.float64)
    return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else float("nan")


def over_seeds(performance: pd.DataFrame, trainings: Trainings) -> pd.DataFrame:
    """Return AUC by training, disturbance and discriminator: ``auc``, ``auc_spread`` (seeds), ``auc_error`` (bootstrap).

    Args:
        performance: rows by run, disturbance, discriminator (:class:`~TauAdv.evaluation.robustness.study.RobustnessStudy`)
        trainings: title -> labels of its runs, in the order of the seeds.

    Raises:
        InputError: a run is not in the table.
    """
    tables = _by_training(performance, trainings)
    rows = []
    for title, runs in tables.items():
        for key in runs[0].index:
            mean, spread = mean_and_spread([run.loc[key, "auc"] for run in runs])
            error = float(np.mean([run.loc[key, "auc_error"] for run in runs]))
            row = {"training": title, **dict(zip(_KEYS, key, strict=True))}
            rows.append(row | {"auc": mean, "auc_spread": spread, "auc_error": error, "seeds": len(runs)})
    return pd.DataFrame(rows)


def recovered_over_seeds(performance: pd.DataFrame, trainings: Trainings) -> pd.DataFrame:
    """Return what trainings win back of the AUC that the first loses, seed by seed, then mean and spread.

    ``recovered`` is (run - first attacked) / (first clean - first attacked), ``clean_change`` that of the AUC on raw inputs.

    Args:
        performance: see :func:`over_seeds`.
        trainings: title -> labels of its runs; runs of equal position are compared.

    Raises:
        InputError: a run is not in the table, or trainings differ in their number of runs.
    """
    tables = _by_training(performance, trainings)
    numbers = {title: len(runs) for title, runs in tables.items()}
    if len(set(numbers.values())) > 1:
        msg = f"trainings: expected as many runs of each, received {numbers}"
        raise InputError(msg)
    reference, rows = next(iter(tables.values())), []
    for title, runs in list(tables.items())[1:]:
        for disturbance, name in runs[0].index:
            if disturbance == RAW:
                continue
            pairs = [(_change(run, first, (disturbance, name))) for run, first in zip(runs, reference, strict=True)]
            (recovered, spread), (clean, clean_spread) = map(mean_and_spread, zip(*pairs, strict=True))
            row = {"training": title, "disturbance": disturbance, "discriminator": name, "recovered": recovered}
            rows.append(row | {"recovered_spread": spread, "clean_change": clean, "clean_change_spread": clean_spread})
    return pd.DataFrame(rows)


def _change(run: pd.DataFrame, first: pd.DataFrame, key: tuple[str, str]) -> tuple[float, float]:
    """Return the recovered fraction and the change on raw inputs of one run."""
    raw = (RAW, key[1])
    after, before = float(run.loc[key, "auc"]), float(first.loc[key, "auc"])
    clean, clean_before = float(run.loc[raw, "auc"]), float(first.loc[raw, "auc"])
    lost = clean_before - before
    return ((after - before) / lost if lost > 0 else float("nan")), clean - clean_before


def _by_training(performance: pd.DataFrame, trainings: Trainings) -> dict[str, list[pd.DataFrame]]:
    known = set(performance["run"])
    if missing := [label for labels in trainings.values() for label in labels if label not in known]:
        msg = f"run '{missing[0]}' is not in the table; it has {', '.join(sorted(known))}"
        raise InputError(msg)
    by_run = {label: part.set_index(_KEYS) for label, part in performance.groupby("run", sort=False)}
    return {title: [by_run[label] for label in labels] for title, labels in trainings.items()}


def seed_text(performance: pd.DataFrame, trainings: Trainings, discriminators: Sequence[str]) -> str:
    """Return a table to read: a line per discriminator and training, a column per disturbance, AUC as "mean ± spread".

    For a single seed, the error of the bootstrap takes the place of the spread.

    Args:
        performance: see :func:`over_seeds`.
        trainings: see :func:`over_seeds`.
        discriminators: which to show.

    Raises:
        InputError: as :func:`over_seeds`.
    """
    table = over_seeds(performance, trainings)
    disturbances = list(dict.fromkeys(table["disturbance"]))
    lines = [["AUC", "training", *disturbances]]
    for name in discriminators:
        for title in trainings:
            part = table[(table["discriminator"] == name) & (table["training"] == title)].set_index("disturbance")
            spread = part["auc_spread"].fillna(part["auc_error"])
            cells = [f"{part.loc[entry, 'auc']:.4f} ± {spread[entry]:.4f}" for entry in disturbances]
            lines.append([name, title, *cells])
    seeds = int(table["seeds"].min())
    how = f"spread of {seeds} trainings with other seeds" if seeds > 1 else "bootstrap of the test set, one training each"
    return "\n".join([*aligned(lines), f"(±: {how})"])
