"""Settings of a comparison of runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.evaluation.measures.agreement import POWER, RELEVANT_SHIFT, SIGNIFICANCE
from TauAdv.evaluation.measures.closure_bins import BinAxis
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings

__all__ = ["ComparisonSettings", "Label"]

Text = Annotated[str, Field(max_length=60)]
Part = Annotated[float, Field(gt=0, lt=1)]
#: Of the taus against jets, as TauMLTools has them.
#: not called by names of working points, whose thresholds also require to pass those against electrons and muons
_POINTS = {f"{100 * part:g} % efficiency": part for part in (0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)}


class Label(Settings):
    """What is written above plots.

    Attributes:
        experiment: whose data it is.
        luminosity: with its unit; empty: not written.
        energy: of the collisions, with its unit; empty: not written.
    """

    experiment: Text = "TauAdv"
    luminosity: Text = ""
    energy: Text = ""


class ComparisonSettings(Settings):
    """How runs are compared.

    Attributes:
        top_fraction: part of the genuine taus in the region of the data/MC test.
        bins: bins of equal population in that region.
        tight_fraction: part of the genuine taus in a second region.
        closure_points: name -> efficiency: above the thresholds that pass these parts of the labelled taus, data and
            simulation are compared too.
        pt_boundaries: between the bins of pT, in GeV.
        eta_boundaries: between those of |eta|.
        toys: toy experiments of the p-values where counts are small, and of the p-value that counts all bins.
        significance: p-value of that test below which data and simulation disagree.
        power: probability with which the smallest shift that is reported would have been seen.
        relevant_shift: of the data/MC rate; if shifts up to this one could have been missed, there are too few taus to tell.
        working_points: signal efficiencies at which misidentification is given.
        mis_ids: misidentifications at which the signal efficiency is given.
        folds: cross-validation folds of the data-against-MC classifiers on scores.
        head_folds: those of the domain head on the common features.
        permutations: null samples of the p-values of these classifiers.
        domain_rows: most rows of each side that these classifiers see.
        bootstrap: samples for the error of ratios of misidentification.
        batch_size: taus evaluated together.
        label: what is written above plots: experiment, luminosity, energy.
        scale_factors: how scale factors are measured.
        seed: of folds, classifiers, choice of rows and bootstrap.
    """

    top_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    bins: Annotated[int, Field(ge=1)] = 20
    tight_fraction: Annotated[float, Field(gt=0, le=1)] = 0.2
    closure_points: dict[str, Part] = _POINTS
    pt_boundaries: Annotated[tuple[float, ...], Field(min_length=1)] = (30.0, 40.0, 50.0, 70.0)
    eta_boundaries: Annotated[tuple[float, ...], Field(min_length=1)] = (0.8, 1.5)
    toys: Annotated[int, Field(ge=20)] = 1000
    significance: Annotated[float, Field(gt=0, lt=0.5)] = SIGNIFICANCE
    power: Annotated[float, Field(ge=0.5, lt=1)] = POWER
    relevant_shift: Annotated[float, Field(gt=0)] = RELEVANT_SHIFT
    working_points: tuple[Part, ...] = (0.7, 0.9)
    mis_ids: tuple[Part, ...] = (0.01, 0.05)
    folds: Annotated[int, Field(ge=2)] = 5
    head_folds: Annotated[int, Field(ge=2)] = 3
    permutations: Annotated[int, Field(ge=20)] = 500
    domain_rows: Annotated[int, Field(ge=20)] = 20_000
    bootstrap: Annotated[int, Field(ge=2)] = 200
    batch_size: Annotated[int, Field(ge=1)] = 1000
    label: Label = Label()
    scale_factors: ScaleFactorSettings = ScaleFactorSettings()
    seed: Annotated[int, Field(ge=0)] = 1

    @property
    def axes(self) -> tuple[BinAxis, ...]:
        """Variables in whose bins data and simulation are compared."""
        return (
            BinAxis("decay mode", "tau_decayMode"),
            BinAxis("pT", "tau_pt", self.pt_boundaries, "GeV"),
            BinAxis("|eta|", "tau_eta", self.eta_boundaries, absolute=True),
        )

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        regions = {f"top {100 * part:g} %" for part in (self.top_fraction, self.tight_fraction)}
        if both := regions & set(self.closure_points or {}):
            yield ("closure_points",), f"closure_points: '{both.pop()}' is the name of another region; give another one"
        for name in ("pt_boundaries", "eta_boundaries"):
            values = getattr(self, name)
            if any(low >= high for low, high in pairwise(values)):
                yield (name,), f"{name}: expected rising numbers; received {list(values)}"
