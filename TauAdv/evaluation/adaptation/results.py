"""What a comparison of runs found: numbers, tables and histograms, which reports and plots read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import hist
import numpy as np
import pandas as pd

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.evaluation.adaptation.closure import RunClosure
from TauAdv.evaluation.adaptation.entries import Entry
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.adaptation.uncertainties import RunUncertainties, combined
from TauAdv.evaluation.measures.agreement import Agreement
from TauAdv.evaluation.measures.closure import ClosureTest
from TauAdv.evaluation.measures.mis_id import MisId
from TauAdv.evaluation.measures.price import INCLUSIVE, MIS_ID
from TauAdv.evaluation.measures.roc import RocCurve
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.scale_factors.before_after import RunScaleFactors, improvements, summaries
from TauAdv.io.file_names import metric_name

__all__ = ["RunComparison", "RunResult", "key_numbers"]


@dataclass(frozen=True)
class RunResult:
    """What was measured for one run.

    Attributes:
        run_id: the run.
        closure: data/MC test of Djet in the control region.
        details: the same above working points, and in bins of decay mode, pT and |eta|.
        uncertainties: what the figures of the closure are uncertain by.
        auc_djet: AUC of data against MC on Djet.
        auc_probabilities: AUC of data against MC on the four class probabilities.
        auc_features: AUC of a domain head trained alone on the frozen common features.
        domain_p_values: ``Djet``, ``probabilities``, ``features`` -> p-value of a classifier that tells data from MC.
        y_adv: mean and width of the adversarial head's output for data and MC; ``None`` without the head.
        auc_tau_jet: AUC of Djet on labelled taus and jets.
        auc_lepton: AUC of the score against e and mu on labelled taus and leptons, where the test set has them.
        mis_id: jet misidentification at the working points.
        mis_id_ratio: its ratio to the reference run's at the working points; ``None`` for the reference itself.
        price: misidentification of e, mu, jet at fixed efficiencies and efficiency at fixed misidentification, for all
            taus and in bins, with ratios to the reference (:class:`TauAdv.evaluation.measures.price.Price`).
        roc: jet misidentification against tau efficiency.
        quantile_histogram: (contribution, genuine-tau quantile of Djet) of the control region.
        scale_factors: efficiency of genuine taus in data over that in simulation, by working point and bin.
        control: prediction table of the control region, a row per tau (docs/evaluation.md names the columns).
        test: the same of the labelled test set.
    """

    run_id: str
    closure: ClosureTest
    details: RunClosure
    uncertainties: RunUncertainties
    auc_djet: Measured
    auc_probabilities: Measured
    auc_features: Measured
    domain_p_values: Mapping[str, float]
    y_adv: dict[str, tuple[Measured, Measured]] | None
    auc_tau_jet: Measured
    auc_lepton: dict[str, Measured]
    mis_id: tuple[MisId, ...]
    mis_id_ratio: tuple[Measured, ...] | None
    price: pd.DataFrame = field(repr=False, compare=False)
    roc: RocCurve
    quantile_histogram: hist.Hist
    scale_factors: RunScaleFactors
    control: pd.DataFrame = field(repr=False, compare=False)
    test: pd.DataFrame = field(repr=False, compare=False)


def key_numbers(result: RunResult, settings: ComparisonSettings) -> dict[str, float]:
    """Return the numbers by which runs are sorted: also the metrics of the run in MLflow."""
    top = f"top{100 * settings.top_fraction:g}"
    tested = result.closure.agreement
    found = {
        f"closure/rate_{top}": result.closure.rate.value,
        f"closure/chi2_ndf_{top}": result.closure.chi2_per_ndf,
        "closure/p_value": np.nan if tested is None or tested.p_value is None else tested.p_value,
        "closure/auc_djet": result.auc_djet.value,
        "closure/auc_probabilities": result.auc_probabilities.value,
        "closure/auc_features": result.auc_features.value,
        "price/auc_jet": result.auc_tau_jet.value,
    }
    found |= {f"closure/global_p_{name}": value for name, value in result.details.bins.global_p_value.items()}
    for region in result.details.regions:
        name = metric_name(region.name)
        found.setdefault(f"closure/rate_{name}", region.rate.value)
        found.setdefault(f"closure/chi2_ndf_{name}", region.chi2_per_ndf)
    found |= {f"closure/p_auc_{name.lower()}": value for name, value in result.domain_p_values.items()}
    found |= {f"price/auc_{name}": value.value for name, value in result.auc_lepton.items()}
    for at, ratio in zip(result.mis_id, result.mis_id_ratio or [None] * len(result.mis_id), strict=True):
        name = f"price/mis_id_jet_{100 * at.efficiency:g}"
        found[name] = at.mis_id.value
        if ratio is not None:
            found[f"{name}_ratio"] = ratio.value
    for row in result.price[result.price["variable"] == INCLUSIVE].itertuples():
        short = "mis_id" if row.quantity == MIS_ID else "efficiency"
        found.setdefault(f"price/{short}_{row.background}_{100 * row.at:g}", row.value)
    return found


@dataclass(frozen=True)
class RunComparison:
    """Results of all runs.

    Attributes:
        settings: how they were made.
        results: label of the run to its results; the first is the nominal one.
        entries: the columns of the table, each a run or several seeds of one training; ``entry.runs`` has the labels of
            ``results``.
        reference: label of the entry that misidentification is compared with.
        counts: taus of the control region and of the test set.
        contributions: what the control region is made of.
        warnings: what makes the figures less than they seem: runs that were trained on taus of the sets.
        not_varied: uncertainties that are not known, and why.
    """

    settings: ComparisonSettings
    results: Mapping[str, RunResult]
    entries: tuple[Entry, ...]
    reference: str
    counts: Mapping[str, int]
    contributions: list[Contribution]
    warnings: tuple[str, ...] = ()
    not_varied: tuple[str, ...] = ()

    @property
    def results_of(self) -> dict[str, list[RunResult]]:
        """Label of an entry to the results of its runs."""
        return {entry.label: [self.results[label] for label in entry.runs] for entry in self.entries}

    @property
    def reference_run(self) -> str:
        """Label of the run that stands for the reference: the first of its seeds."""
        return next(next(iter(entry.runs)) for entry in self.entries if entry.label == self.reference)

    @property
    def bands(self) -> pd.DataFrame:
        """Key numbers of each entry: entry, number, runs, mean, spread (over its runs; NaN of one), lowest, highest."""
        rows = []
        for entry, results in self.results_of.items():
            found = [key_numbers(result, self.settings) for result in results]
            for name in found[0]:
                values = [numbers[name] for numbers in found]
                spread = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
                rows.append((entry, name, len(values), float(np.mean(values)), spread, min(values), max(values)))
        return pd.DataFrame(rows, columns=["entry", "number", "runs", "mean", "spread", "lowest", "highest"])

    @property
    def uncertainties(self) -> pd.DataFrame:
        """What the figures of each entry are uncertain by (:func:`combined`)."""
        return combined({entry: [result.uncertainties for result in found] for entry, found in self.results_of.items()})

    @property
    def scale_factor_improvements(self) -> pd.DataFrame:
        """Scale factors of the first entry and of each other one, by working point (:func:`improvements`)."""
        return improvements({entry: [result.scale_factors for result in found] for entry, found in self.results_of.items()})

    @property
    def scale_factor_summaries(self) -> list[dict[str, Any]]:
        """The same, mean over the working points (:func:`summaries`)."""
        return summaries(self.scale_factor_improvements)

    @property
    def histograms(self) -> dict[str, hist.Hist]:
        """Label to histogram of the genuine-tau quantile of Djet, by contribution."""
        return {label: result.quantile_histogram for label, result in self.results.items()}

    @property
    def curves(self) -> dict[str, RocCurve]:
        """Label to ROC curve."""
        return {label: result.roc for label, result in self.results.items()}

    @property
    def notes(self) -> dict[str, list[str]]:
        """Label to the numbers that belong into its closure plot."""
        top = f"top {100 * self.settings.top_fraction:g} %"
        return {
            label: [
                rf"{top}: $\chi^2$/ndf = {result.closure.chi2_per_ndf:.2f}",
                f"{top}: data/MC = {result.closure.rate:.3f}",
            ]
            for label, result in self.results.items()
        }

    @property
    def agreement(self) -> Agreement:
        """What data say about the nominal run: whether there is something to repair."""
        found = next(iter(self.results.values())).closure.agreement
        assert found is not None  # of normalised simulation
        return found
