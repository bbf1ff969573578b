"""Compare runs on the same taus: what adaptation repaired in the control region, and what it cost on labelled taus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from TauAdv.config import Settings
from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.contributions.contribution import Contribution, data_id
from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.domain import head_auc, two_sample_auc
from TauAdv.evaluation.measures.agreement import POWER, RELEVANT_SHIFT, SIGNIFICANCE, Agreement
from TauAdv.evaluation.measures.closure import ClosureTest, closure_test, genuine_quantile
from TauAdv.evaluation.measures.histograms import fill_histograms, moments
from TauAdv.evaluation.measures.mis_id import MisId, mis_id_at, mis_id_ratio
from TauAdv.evaluation.measures.roc import RocCurve, auc, roc_curve
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.contributions import Given, contributions_of_set
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS, Predictions, predict
from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.evaluation.predictions.scores import score_against
from TauAdv.evaluation.predictions.tables import load_run_model, require_model_of_taus
from TauAdv.runs import Run, find_runs
from TauAdv.shards.store import ShardSet

__all__ = ["ComparisonSettings", "RunComparison", "RunResult", "compare_runs"]

TAU, JET = TAU_CLASSES.index("tau"), TAU_CLASSES.index("jet")
SCORE_LABEL = r"Genuine-$\tau_h$ quantile of $D_{jet}$"


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


@dataclass(frozen=True)
class RunResult:
    """What was measured for one run.

    Attributes:
        run_id: the run.
        closure: data/MC test of Djet in the control region.
        auc_djet: AUC of data against MC on Djet.
        auc_probabilities: AUC of data against MC on the four class probabilities.
        auc_features: AUC of a domain head trained alone on the frozen common features.
        y_adv: mean and width of the adversarial head's output for data and MC; ``None`` without the head.
        auc_tau_jet: AUC of Djet on labelled taus and jets.
        auc_lepton: AUC of the score against e and mu on labelled taus and leptons, where the test set has them.
        mis_id: jet misidentification at the working points.
        mis_id_ratio: its ratio to the reference run's at the working points; ``None`` for the reference itself.
        roc: jet misidentification against tau efficiency.
        quantile_histogram: (contribution, genuine-tau quantile of Djet) of the control region.
    """

    run_id: str
    closure: ClosureTest
    auc_djet: Measured
    auc_probabilities: Measured
    auc_features: Measured
    y_adv: dict[str, tuple[Measured, Measured]] | None
    auc_tau_jet: Measured
    auc_lepton: dict[str, Measured]
    mis_id: tuple[MisId, ...]
    mis_id_ratio: tuple[Measured, ...] | None
    roc: RocCurve
    quantile_histogram: hist.Hist


@dataclass(frozen=True)
class RunComparison:
    """Results of all runs.

    Attributes:
        settings: how they were made.
        results: label of the run to its results; the first is the nominal one.
        reference: label of the run that misidentification is compared with.
        counts: taus of the control region and of the test set.
        contributions: what the control region is made of.
        warnings: what makes the figures less than they seem: runs that were trained on taus of the sets.
    """

    settings: ComparisonSettings
    results: Mapping[str, RunResult]
    reference: str
    counts: Mapping[str, int]
    contributions: list[Contribution]
    warnings: tuple[str, ...] = ()

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


def compare_runs(
    mlpath: Path | str,
    run_ids: Mapping[str, str],
    control: Path | str,
    test: Path | str,
    *,
    reference: str | None = None,
    settings: ComparisonSettings | None = None,
    contributions: Given = None,
) -> RunComparison:
    """Measure runs on a control region and on a labelled test set.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns`` if the runs belong to several experiments.
        run_ids: label to run id; the nominal run comes first.
        control: adversarial set (data and simulation of the control region), not used in training.
        test: classification set, not used in training.
        reference: label of the run that misidentification is compared with; default the first. The cost of adaptation is
            seen against a fine-tune of the same schedule with k2 = 0.
        settings: see :class:`ComparisonSettings`.
        contributions: what the dataset ids stand for (a file of the control region, or its contributions), where the
            manifest of ``control`` does not say it.

    Raises:
        InputError: unknown run or label, run without model, sets of the wrong kind or of another feature table, a test set
            without taus or jets, contributions that are not known or not those of the manifest.
    """
    settings = settings or ComparisonSettings()
    labels = list(run_ids)
    reference = reference or labels[0]
    if reference not in run_ids:
        msg = f"reference run '{reference}': expected one of {labels}"
        raise InputError(msg)
    runs = find_runs(mlpath, run_ids)
    for run in runs.values():
        require_model_of_taus(run, with_head=False)
    control_set, test_set = ShardSet.open(control), ShardSet.open(test)
    control_set.require_kind("adversarial")
    made_of = contributions_of_set(control_set, contributions)
    test_set.require_kind("classification")
    predictions = {label: _predict(run, control_set, test_set, settings) for label, run in runs.items()}
    counts = {"control": control_set.num_taus, "test": test_set.num_taus}
    reference_table = predictions[reference][1]
    results = {}
    for label, (in_control, in_test) in predictions.items():
        other = None if label == reference else reference_table
        results[label] = _measure(runs[label].id, in_control, in_test, other, settings, made_of)
    warnings = tuple(
        text for run in runs.values() for shards in (control_set, test_set) if (text := trained_on(run, shards)) is not None
    )
    return RunComparison(settings, results, reference, counts, made_of, warnings)


def _predict(run: Run, control: ShardSet, test: ShardSet, settings: ComparisonSettings) -> tuple[Predictions, pd.DataFrame]:
    model = load_run_model(run, control, test)
    in_control = predict(model, control, batch_size=settings.batch_size, with_features=True)
    return in_control, predict(model, test, batch_size=settings.batch_size, use_adversarial_head=False).table


def _measure(
    run_id: str,
    control: Predictions,
    test: pd.DataFrame,
    reference: pd.DataFrame | None,
    settings: ComparisonSettings,
    contributions: list[Contribution],
) -> RunResult:
    table = control.table
    options = {name: getattr(settings, name) for name in ("significance", "power", "relevant_shift")}
    closure = closure_test(table, contributions, fraction=settings.top_fraction, bins=settings.bins, **options)
    tau, jet = _scores(test, JET)
    weights = [side["weights"].to_numpy() for side in _sides(test, JET)]
    ratios = None
    if reference is not None:
        others = _scores(reference, JET)
        options = {"samples": settings.bootstrap, "seed": settings.seed}
        ratios = tuple(mis_id_ratio(eff, (tau, jet), others, *weights, **options) for eff in settings.working_points)
    return RunResult(
        run_id=run_id,
        closure=closure,
        **_domain_aucs(control, contributions, settings),
        y_adv=moments(table, "y_pred_adv", contributions) if "y_pred_adv" in table else None,
        auc_tau_jet=auc(tau, jet, *weights),
        auc_lepton=_lepton_aucs(test),
        mis_id=tuple(mis_id_at(efficiency, tau, jet, *weights) for efficiency in settings.working_points),
        mis_id_ratio=ratios,
        roc=roc_curve(tau, jet, *weights),
        quantile_histogram=_quantile_histogram(table, contributions, closure.overall.value, settings),
    )


def _domain_aucs(
    control: Predictions, contributions: list[Contribution], settings: ComparisonSettings
) -> dict[str, Measured]:
    table = control.table
    is_data = (table["dataset_id"] == data_id(contributions)).to_numpy()
    rng = np.random.default_rng(settings.seed)
    rows = [_at_most(np.flatnonzero(side), settings.domain_rows, rng) for side in (~is_data, is_data)]
    weights = table["weights"].to_numpy(dtype=np.float64)[rows[0]]

    def sides(values: NDArray) -> tuple[NDArray, NDArray]:
        return values[rows[0]], values[rows[1]]

    options = {"folds": settings.folds, "seed": settings.seed}
    probabilities = table[list(PROBABILITY_COLUMNS)].to_numpy()
    features = np.asarray(control.features)
    return {
        "auc_djet": two_sample_auc(*sides(table["Djet"].to_numpy()), weights, **options),
        "auc_probabilities": two_sample_auc(*sides(probabilities), weights, **options),
        "auc_features": head_auc(*sides(features), weights, folds=settings.head_folds, seed=settings.seed),
    }


def _at_most(rows: NDArray, number: int, rng: np.random.Generator) -> NDArray:
    return rows if len(rows) <= number else np.sort(rng.choice(rows, number, replace=False))


def _sides(test: pd.DataFrame, background: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    sides = test[test["y"] == TAU], test[test["y"] == background]
    if min(map(len, sides)) == 0:
        msg = (
            f"test set: {len(sides[0])} genuine taus and {len(sides[1])} of class {TAU_CLASSES[background]}; both are needed"
        )
        raise InputError(msg)
    return sides


def _scores(test: pd.DataFrame, background: int) -> tuple[NDArray, NDArray]:
    tau, other = (
        score_against(side[list(PROBABILITY_COLUMNS)].to_numpy(), TAU_CLASSES[background])
        for side in _sides(test, background)
    )
    return tau, other


def _lepton_aucs(test: pd.DataFrame) -> dict[str, Measured]:
    found = {}
    for name in ("e", "mu"):
        number = TAU_CLASSES.index(name)
        if (test["y"] == number).any():
            weights = [side["weights"].to_numpy() for side in _sides(test, number)]
            found[name] = auc(*_scores(test, number), *weights)
    return found


def _quantile_histogram(
    table: pd.DataFrame, contributions: list[Contribution], scale: float, settings: ComparisonSettings
) -> hist.Hist:
    """Whole range in bins of the width that the tested region has; simulation scaled to the total of data."""
    drawn = pd.DataFrame(
        {
            "quantile": genuine_quantile(table, contributions),
            "weights": table["weights"] * scale,
            "dataset_id": table["dataset_id"],
        }
    )
    bins = max(round(settings.bins / settings.top_fraction), 1)
    return fill_histograms(drawn, "quantile", contributions, bins=bins, value_range=(0.0, 1.0), label=SCORE_LABEL)
