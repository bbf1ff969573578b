"""Scores of a run on disturbed candidates, from the tables that a study of robustness leaves in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.working_points import Thresholds
from TauAdv.evaluation.performance.curves import PerformanceCurve, measure_performance
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.settings import PerformanceSettings
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS
from TauAdv.runs import Run

__all__ = ["disturbed_curves", "disturbed_tables"]

_RAW = "raw"
_LABELS = {"label": "y", "weight": "weights"}
"""Column of a study of robustness -> its name in prediction tables."""


def disturbed_tables(run: Run, test: Path | str | None) -> dict[str, pd.DataFrame]:
    """Return disturbance -> prediction table of the candidates that the run was attacked on.

    Args:
        run: that was evaluated by ``tauadv robustness``.
        test: set of shards; ``None``: that of the run's only table.

    Raises:
        InputError: no such table, several, or one that is not of taus.
    """
    from TauAdv.evaluation.robustness.predictions import read_disturbed  # attacks need TensorFlow

    stored = read_disturbed(run, test)
    names = [
        str(name).removesuffix(f"_{PROBABILITY_COLUMNS[0]}")
        for name in stored
        if str(name).endswith(f"_{PROBABILITY_COLUMNS[0]}")
    ]
    found = {}
    for name in (name for name in names if name != _RAW):
        columns = {f"{name}_{column}": column for column in PROBABILITY_COLUMNS}
        if missing := [column for column in columns if column not in stored]:
            msg = f"{run.title}: its table of disturbed predictions has no {missing[0]}: it is not of taus"
            raise InputError(msg)
        others = {name: stored[name] for name in stored if "_p_" not in str(name) and name not in _LABELS}
        labels = {new: stored[old] for old, new in _LABELS.items()}
        scores = {column: stored[disturbed] for disturbed, column in columns.items()}
        found[name] = pd.DataFrame({**labels, **others, **scores})
    if not found:
        msg = f"{run.title}: its table of disturbed predictions holds no disturbance of taus"
        raise InputError(msg)
    return found


def disturbed_curves(
    tables: Mapping[str, pd.DataFrame], source: str, settings: PerformanceSettings, thresholds: Thresholds
) -> list[PerformanceCurve]:
    """Return the curves of disturbed candidates, each with the name of its disturbance.

    Raises:
        InputError: as :func:`TauAdv.evaluation.performance.curves.measure_performance`.
    """
    curves = []
    for name, table in tables.items():
        found = measure_performance(LabelledTaus.of(table, source), settings, thresholds)
        curves += [replace(curve, disturbance=name) for curve in found.curves]
    return curves
