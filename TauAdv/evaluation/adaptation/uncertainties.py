"""What the figures of the closure are uncertain by: events, trainings, composition of the control region, pT weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.measures.bootstrap import bootstrap_counts
from TauAdv.evaluation.measures.closure_figures import ClosureFigures

__all__ = ["EVENTS", "PT_WEIGHTS", "TOTAL", "TRAININGS", "RunUncertainties", "combined", "moves_most", "run_uncertainties"]

EVENTS, TRAININGS, PT_WEIGHTS, TOTAL = "events", "trainings", "pT weights", "total"
COLUMNS = ["entry", "figure", "value", "source", "uncertainty"]


@dataclass(frozen=True)
class RunUncertainties:
    """Figures of one run, and what they are uncertain by.

    Attributes:
        values: figure -> value.
        table: a row for each figure, a column for each source: standard deviation, or half the change between a
            contribution scaled up and down.
    """

    values: Mapping[str, float]
    table: pd.DataFrame


def run_uncertainties(
    control: pd.DataFrame,
    contributions: list[Contribution],
    settings: ComparisonSettings,
    pt_errors: NDArray[np.float64] | None = None,
    pt_bins: NDArray[np.intp] | None = None,
) -> RunUncertainties:
    """Vary what the figures of a run depend on.

    * events: spread over bootstrap samples of all taus of the control region, thresholds found anew; of chi2/ndf the
      standard deviation of the noncentral chi2 distribution;
    * composition: each contribution scaled up and down by its ``uncertainty``, simulation scaled to data as ever;
    * pT weights: the weight of each bin of each contribution moved by its statistical error, in quadrature. They are made
      from the same taus, so that part of this is in ``events`` too.

    Args:
        control: prediction table of the control region.
        contributions: what dataset ids stand for.
        settings: number of bootstrap samples, regions and bins.
        pt_errors: relative error of the pT weight of each row; ``None``: not known.
        pt_bins: number of the bin of each row, different for each contribution.

    Raises:
        InputError: as :class:`ClosureFigures`.
    """
    options = {"fraction": settings.top_fraction, "tight": settings.tight_fraction, "bins": settings.bins}
    figures = ClosureFigures(control, contributions, **options)  # type: ignore[arg-type]
    values = dict(zip(figures.names, figures().tolist(), strict=True))
    found = {EVENTS: _bootstrap(figures, len(control), settings)}
    for place, name in enumerate(figures.names):
        if name.startswith("chi2/ndf"):
            found[EVENTS][place] = _chi2_error(values[name], settings.bins)
    for entry in contributions:
        if entry.uncertainty:
            change = np.where(control["dataset_id"] == entry.dataset_id, entry.uncertainty, 0.0)
            found[f"composition: {entry.name}"] = np.abs(_half_change(figures, change))
    if pt_errors is not None and pt_bins is not None:
        found[PT_WEIGHTS] = _pt_weights(figures, pt_errors, pt_bins)
    return RunUncertainties(values, pd.DataFrame(found, index=figures.names))


def _bootstrap(figures: ClosureFigures, rows: int, settings: ComparisonSettings) -> NDArray[np.float64]:
    samples = [figures(counts.astype(np.float64)) for counts in bootstrap_counts(rows, settings.bootstrap, settings.seed)]
    found = np.array(samples)
    found[~np.isfinite(found)] = np.nan
    known = np.isfinite(found).sum(axis=0) > 1
    spread = np.full(found.shape[1], np.nan)
    spread[known] = np.nanstd(found[:, known], axis=0)
    return spread


def _chi2_error(value: float, ndf: int) -> float:
    """Return the standard deviation of chi2/ndf (noncentral chi2); bootstrap samples scatter twice, around data that do."""
    return float(np.sqrt(2 * (ndf + 2 * max(value - 1, 0.0) * ndf)) / ndf)


def _half_change(figures: ClosureFigures, change: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half the change of the figures when weights are moved by these parts of them, up and down."""
    return (figures(1 + change) - figures(1 - change)) / 2


def _pt_weights(figures: ClosureFigures, errors: NDArray[np.float64], bins: NDArray[np.intp]) -> NDArray[np.float64]:
    varied = np.unique(bins[errors > 0])
    changes = [_half_change(figures, np.where(bins == number, errors, 0.0)) for number in varied]
    return np.sqrt(np.sum(np.square(changes), axis=0)) if changes else np.zeros(len(figures.names))


def combined(entries: Mapping[str, Sequence[RunUncertainties]]) -> pd.DataFrame:
    """Return the uncertainties of entries: ``entry``, ``figure``, ``value``, ``source``, ``uncertainty``.

    The value is the mean over the runs of an entry. ``trainings`` is the standard deviation over its runs, of a single
    training, and NaN where there is one; ``total`` is the square root of the sum of the squares of those that are known.
    """
    rows = []
    for entry, runs in entries.items():
        for figure in runs[0].table.index:
            values = [run.values.get(figure, np.nan) for run in runs]
            parts = {source: _mean([_uncertainty(run, figure, source) for run in runs]) for source in runs[0].table.columns}
            parts[TRAININGS] = float(np.std(values, ddof=1)) if len(runs) > 1 else np.nan
            known = np.array([part for part in parts.values() if np.isfinite(part)])
            parts[TOTAL] = float(np.sqrt(np.sum(known**2))) if len(known) else np.nan
            rows += [(entry, figure, _mean(values), source, part) for source, part in parts.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _uncertainty(run: RunUncertainties, figure: str, source: str) -> float:
    return float(run.table.loc[figure, source]) if figure in run.table.index else np.nan


def _mean(values: Sequence[float]) -> float:
    found = [value for value in values if np.isfinite(value)]
    return float(np.mean(found)) if found else np.nan


def moves_most(table: pd.DataFrame) -> dict[str, str]:
    """Return entry -> what moves its first figure most, in words."""
    found = {}
    for entry, rows in table.groupby("entry", sort=False):
        first = rows[rows["figure"] == rows["figure"].iloc[0]].set_index("source")["uncertainty"]
        parts = first.drop(TOTAL).dropna().sort_values(ascending=False)
        figure, value = rows["figure"].iloc[0], rows["value"].iloc[0]
        if parts.empty:
            continue
        listed = ", ".join(f"{source} {part:.3f}" for source, part in parts.iloc[:3].items())
        found[str(entry)] = f"{figure} = {value:.3f} ± {first[TOTAL]:.3f}, moved most by {parts.index[0]} ({listed})"
    return found
