"""Scale factors of the runs of a comparison: of the same predictions, at working points found on the labelled test set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.errors import InputError
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.working_points import derive_from
from TauAdv.evaluation.scale_factors.measure import ScaleFactors, measure_scale_factors
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings
from TauAdv.evaluation.scale_factors.tables import as_table, improvement

__all__ = ["RunScaleFactors", "improvements", "run_scale_factors", "summaries"]

_SIDES = ("before", "after")
_FIGURES = ("distance", "error", "inclusive", "inclusive_error")


@dataclass(frozen=True)
class RunScaleFactors:
    """Scale factors of one run.

    Attributes:
        found: the scale factors; ``None`` if there are none.
        reason: why there are none.
        warnings: what makes the working points less than they seem.
    """

    found: ScaleFactors | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each working point and bin; no rows if there are no scale factors."""
        return pd.DataFrame() if self.found is None else as_table(self.found)


def run_scale_factors(
    control: pd.DataFrame,
    test: pd.DataFrame,
    contributions: Sequence[Contribution],
    settings: ScaleFactorSettings,
    *,
    name: str,
) -> RunScaleFactors:
    """Return the scale factors of a run, or why there are none.

    Args:
        control: predictions of the control region.
        test: those of the labelled test set, on which working points are derived as ``tauadv working-points`` does.
        contributions: what the control region is made of.
        settings: see :class:`ScaleFactorSettings`.
        name: of the run.
    """
    try:
        points = derive_from(LabelledTaus.of(test, "test set"))
        found = measure_scale_factors(control, contributions, points.points.thresholds, settings, name=name)
    except InputError as error:
        return RunScaleFactors(reason=str(error))
    if not any(one.measured for one in (*found.factors, *found.inclusive)):
        return RunScaleFactors(reason=f"no bin gives a number; {found.empty[0]}")
    about = [*found.warnings, *(text for text in points.warnings if not _is_of_others(text, settings))]
    return RunScaleFactors(found, warnings=tuple(about))


def _is_of_others(text: str, settings: ScaleFactorSettings) -> bool:
    """Return whether a warning is of a working point against a background that is not measured."""
    return text.startswith("vs ") and not text.startswith(tuple(f"vs {name}," for name in settings.against))


def improvements(entries: Mapping[str, Sequence[RunScaleFactors]]) -> pd.DataFrame:
    """Return a row for each entry and working point: scale factors of the first entry (before) and of this one (after).

    The first run of the first entry is what all are compared with. Of an entry of several runs, numbers are means over its
    runs, and ``..._spread`` their standard deviation. A single entry is compared with itself.

    Columns: ``entry``, ``runs``, those of :func:`TauAdv.evaluation.scale_factors.tables.improvement`,
    ``distance_after_spread``, ``inclusive_after_spread``.
    """
    (label, first), *others = entries.items()
    before = first[0].found
    rows: list[dict[str, Any]] = []
    for entry, results in others or [(label, first[:1])]:
        pairs = [improvement(before, result.found) for result in results if before and result.found]
        for number in range(min(map(len, pairs), default=0)):
            rows.append({"entry": entry, "runs": len(pairs), **_mean_of([pair.iloc[number] for pair in pairs])})
    return pd.DataFrame(rows)


def _mean_of(rows: Sequence[pd.Series]) -> dict[str, Any]:
    """Return the numbers of a working point: means over runs, and the spread of those after."""
    same = {name: rows[0][name] for name in ("against", "working_point")}
    values = {f"{name}_{side}": [float(row[f"{name}_{side}"]) for row in rows] for name in _FIGURES for side in _SIDES}
    means = {name: float(np.mean(found)) for name, found in values.items()}
    spreads = {
        f"{name}_after_spread": float(np.std(values[f"{name}_after"], ddof=1)) if len(rows) > 1 else np.nan
        for name in ("distance", "inclusive")
    }
    return {**same, "bins": min(int(row["bins"]) for row in rows), **means, **spreads}


def summaries(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return for each entry of :func:`improvements` the means over its working points, and where it got worse.

    Each has ``entry``, ``runs``, ``distance_before``, ``distance_after``, ``nearer`` (part by which the mean distance from 1
    shrank; negative: it grew), ``error_before``, ``error_after``, ``smaller`` (the same of the uncertainty), and the working
    points at which scale factors are ``farther`` from 1 or ``wider``.
    """
    found = []
    for entry, rows in table.groupby("entry", sort=False) if len(table) else ():
        known = rows[rows["distance_before"].notna() & rows["distance_after"].notna()]
        if len(known):
            found.append({"entry": entry, "runs": int(rows["runs"].iloc[0]), **_summary(known)})
    return found


def _summary(rows: pd.DataFrame) -> dict[str, Any]:
    means = {f"{name}_{side}": float(rows[f"{name}_{side}"].mean()) for name in ("distance", "error") for side in _SIDES}
    several = rows["against"].nunique() > 1
    points = [f"{row.working_point} against {row.against}" if several else row.working_point for row in rows.itertuples()]
    worse = {name: (rows[f"{name}_after"] > rows[f"{name}_before"]).tolist() for name in ("distance", "error")}
    where = {
        name: [point for point, is_worse in zip(points, flags, strict=True) if is_worse] for name, flags in worse.items()
    }
    return {
        **means,
        "nearer": _part(means, "distance"),
        "smaller": _part(means, "error"),
        "farther": where["distance"],
        "wider": where["error"],
    }


def _part(means: Mapping[str, float], name: str) -> float:
    before = means[f"{name}_before"]
    return 1 - means[f"{name}_after"] / before if before > 0 else np.nan
