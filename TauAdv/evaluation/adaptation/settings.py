"""Settings of a comparison of runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.evaluation.measures.agreement import POWER, RELEVANT_SHIFT, SIGNIFICANCE

__all__ = ["ComparisonSettings"]


class ComparisonSettings(Settings):
    """How runs are compared.

    Attributes:
        top_fraction: part of the genuine taus in the region of the data/MC test.
        bins: bins of equal population in that region.
        significance: p-value of that test below which data and simulation disagree.
        power: probability with which the smallest shift that is reported would have been seen.
        relevant_shift: of the data/MC rate; if shifts up to this one could have been missed, there are too few taus to tell.
        working_points: signal efficiencies at which misidentification is given.
        folds: cross-validation folds of the data-against-MC classifiers on scores.
        head_folds: those of the domain head on the common features.
        domain_rows: most rows of each side that these classifiers see.
        bootstrap: samples for the error of ratios of misidentification.
        batch_size: taus evaluated together.
        seed: of folds, classifiers, choice of rows and bootstrap.
    """

    top_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    bins: Annotated[int, Field(ge=1)] = 20
    significance: Annotated[float, Field(gt=0, lt=0.5)] = SIGNIFICANCE
    power: Annotated[float, Field(ge=0.5, lt=1)] = POWER
    relevant_shift: Annotated[float, Field(gt=0)] = RELEVANT_SHIFT
    working_points: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.7, 0.9)
    folds: Annotated[int, Field(ge=2)] = 5
    head_folds: Annotated[int, Field(ge=2)] = 3
    domain_rows: Annotated[int, Field(ge=20)] = 20_000
    bootstrap: Annotated[int, Field(ge=2)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 1000
    seed: Annotated[int, Field(ge=0)] = 1
