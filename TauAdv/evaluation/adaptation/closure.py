"""Closure of one run: above thresholds of its score, and in bins of decay mode, pT and |eta|."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.domain.contributions.contribution import Contribution, genuine_ids
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.measures.closure_bins import ClosureBins, closure_in_bins
from TauAdv.evaluation.measures.closure_regions import RegionClosure, closure_in_regions
from TauAdv.evaluation.measures.statistics import weighted_quantile

__all__ = ["RunClosure", "run_closure", "thresholds_of"]


@dataclass(frozen=True)
class RunClosure:
    """Agreement of data and simulation for one run.

    Attributes:
        thresholds: region -> lowest Djet in it: ``top 50 %`` of the genuine taus, and working points by their names.
        regions: what was found in each.
        bins: what was found in bins of decay mode, pT, |eta| and their pairs, in the same regions.
    """

    thresholds: dict[str, float]
    regions: list[RegionClosure]
    bins: ClosureBins

    def region(self, name: str) -> RegionClosure:
        """Return what was found in a region."""
        return next(region for region in self.regions if region.name == name)


def run_closure(
    control: pd.DataFrame, genuine: pd.DataFrame, contributions: list[Contribution], settings: ComparisonSettings
) -> RunClosure:
    """Measure the closure of a run.

    Args:
        control: prediction table of the control region.
        genuine: genuine taus of the labelled test set; of them the working points are. Empty: no working points.
        contributions: what dataset ids stand for.
        settings: of the comparison.

    Raises:
        InputError: as :func:`closure_in_regions` and :func:`closure_in_bins`.
    """
    thresholds = thresholds_of(control, genuine, contributions, settings)
    options = {name: getattr(settings, name) for name in ("significance", "power", "relevant_shift")}
    toys: dict[str, Any] = {"samples": settings.toys, "seed": settings.seed}
    width = settings.top_fraction / settings.bins
    regions = closure_in_regions(control, contributions, thresholds, width=width, **toys, **options)
    axes = [axis for axis in settings.axes if axis.column in control]
    return RunClosure(thresholds, regions, closure_in_bins(control, contributions, thresholds, axes=axes, **toys))


def thresholds_of(
    control: pd.DataFrame, genuine: pd.DataFrame, contributions: list[Contribution], settings: ComparisonSettings
) -> dict[str, float]:
    """Return region -> lowest Djet in it."""
    simulated = control[control["dataset_id"].isin(genuine_ids(contributions))]
    top = {f"top {100 * part:g} %": 1 - part for part in (settings.top_fraction, settings.tight_fraction)}
    lowest = weighted_quantile(simulated["Djet"], list(top.values()), simulated["weights"])
    found = dict(zip(top, lowest.tolist(), strict=True))
    if len(genuine) and settings.closure_points:
        cuts = weighted_quantile(genuine["Djet"], 1 - np.array([*settings.closure_points.values()]), genuine["weights"])
        # a tau passes a working point if its score is above the threshold
        found |= dict(zip(settings.closure_points, np.nextafter(cuts, np.inf).tolist(), strict=True))
    return found
