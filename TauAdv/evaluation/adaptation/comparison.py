"""Compare runs on the same taus: what adaptation repaired in the control region, and what it cost on labelled taus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.contributions.contribution import Contribution, data_id
from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.closure import run_closure
from TauAdv.evaluation.adaptation.domain import dense_head, head_auc, trees, two_sample_auc, two_sample_p_value
from TauAdv.evaluation.adaptation.entries import Entry, RunIds, find_entries, reference_of, reference_runs
from TauAdv.evaluation.adaptation.pt_weight_errors import PtWeightErrors, pt_weight_errors
from TauAdv.evaluation.adaptation.results import RunComparison, RunResult
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.adaptation.uncertainties import run_uncertainties
from TauAdv.evaluation.measures.closure import closure_test, genuine_quantile
from TauAdv.evaluation.measures.histograms import fill_histograms, moments
from TauAdv.evaluation.measures.mis_id import mis_id_at, mis_id_ratio
from TauAdv.evaluation.measures.price import Price, measure_price, with_ratios
from TauAdv.evaluation.measures.roc import auc, roc_curve
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.contributions import Given, contributions_of_set
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS, Predictions, predict
from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.evaluation.predictions.scores import score_against
from TauAdv.evaluation.predictions.tables import load_run_model, require_model_of_taus
from TauAdv.evaluation.scale_factors.before_after import run_scale_factors
from TauAdv.runs import Run
from TauAdv.shards.store import ShardSet

__all__ = ["ComparisonSettings", "RunComparison", "RunResult", "compare_runs"]

TAU, JET = TAU_CLASSES.index("tau"), TAU_CLASSES.index("jet")
SCORE_LABEL = r"Genuine-$\tau_h$ quantile of $D_{jet}$"


def compare_runs(
    mlpath: Path | str,
    runs: RunIds,
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
        runs: label to run id, or to several of one entry; or run ids, which get the names of their runs. The nominal run
            comes first. Runs without a label that differ in their seed alone are one entry, as are those of a sweep.
        control: adversarial set (data and simulation of the control region), not used in training.
        test: classification set, not used in training.
        reference: label of the entry that misidentification is compared with; default a fine-tune with k2 = 0, which
            shows what the same schedule costs without an adversary, else the first.
        settings: see :class:`ComparisonSettings`.
        contributions: what the dataset ids stand for (a file of the control region, or its contributions), where the
            manifest of ``control`` does not say it.

    Raises:
        InputError: unknown run or label, a run that is given twice, run without model, sets of the wrong kind or of another
            feature table, a test set without taus or jets, contributions that are not known or not those of the manifest.
    """
    settings = settings or ComparisonSettings()
    entries = tuple(find_entries(mlpath, runs))
    reference = reference_of(entries, reference)
    of_entries = {label: run for entry in entries for label, run in entry.runs.items()}
    for run in of_entries.values():
        require_model_of_taus(run, with_head=False)
    control_set, test_set = ShardSet.open(control), ShardSet.open(test)
    control_set.require_kind("adversarial")
    made_of = contributions_of_set(control_set, contributions)
    test_set.require_kind("classification")
    errors = pt_weight_errors(control_set)
    results = {label: _measured(run, control_set, test_set, settings, made_of, errors) for label, run in of_entries.items()}
    prices = {label: _price(result.test, settings) for label, result in results.items()}
    others = reference_runs(entries, reference)
    for label, price in prices.items():
        table = with_ratios(price, prices[others[label]] if label in others else None)
        results[label] = replace(results[label], price=table)
    for label, other in others.items():
        ratios = _mis_id_ratios(results[label].test, results[other].test, settings)
        results[label] = replace(results[label], mis_id_ratio=ratios)
    counts = {"control": control_set.num_taus, "test": test_set.num_taus}
    sets = (control_set, test_set)
    trained = [text for run in of_entries.values() for shards in sets if (text := trained_on(run, shards)) is not None]
    warnings = (*(note for entry in entries for note in entry.notes), *trained)
    not_varied = tuple(_not_varied(entries, made_of, errors))
    return RunComparison(settings, results, entries, reference, counts, made_of, warnings, not_varied)


def _not_varied(entries: Sequence[Entry], contributions: Sequence[Contribution], pt_errors: PtWeightErrors) -> Iterator[str]:
    """Yield the uncertainties that are not known, and what is needed for them."""
    if single := [entry.label for entry in entries if len(entry.runs) == 1]:
        yield f"spread of trainings of {', '.join(single)}: one run each; give several seeds of a training as one entry"
    if unknown := [entry.name for entry in contributions if not entry.data and entry.uncertainty is None]:
        yield f"composition, {', '.join(unknown)}: no 'uncertainty' in the file of the control region (--contributions)"
    if pt_errors.missing:
        yield f"pT weights: {pt_errors.missing}"


def _measured(
    run: Run,
    control_set: ShardSet,
    test_set: ShardSet,
    settings: ComparisonSettings,
    contributions: list[Contribution],
    pt_errors: PtWeightErrors,
) -> RunResult:
    model = load_run_model(run, control_set, test_set)
    control = predict(model, control_set, batch_size=settings.batch_size, with_features=True)
    test = predict(model, test_set, batch_size=settings.batch_size, use_adversarial_head=False).table
    table = control.table
    options = {name: getattr(settings, name) for name in ("significance", "power", "relevant_shift")}
    closure = closure_test(table, contributions, fraction=settings.top_fraction, bins=settings.bins, **options)
    tau, jet = _scores(test, JET)
    weights = [side["weights"].to_numpy() for side in _sides(test, JET)]
    return RunResult(
        run_id=run.id,
        closure=closure,
        details=run_closure(table, test[test["y"] == TAU], contributions, settings),
        uncertainties=run_uncertainties(table, contributions, settings, *(pt_errors.of_rows(table) or (None, None))),
        **_domain_aucs(control, contributions, settings),
        y_adv=moments(table, "y_pred_adv", contributions) if "y_pred_adv" in table else None,
        auc_tau_jet=auc(tau, jet, *weights),
        auc_lepton=_lepton_aucs(test),
        mis_id=tuple(mis_id_at(efficiency, tau, jet, *weights) for efficiency in settings.working_points),
        mis_id_ratio=None,
        price=pd.DataFrame(),
        roc=roc_curve(tau, jet, *weights),
        quantile_histogram=_quantile_histogram(table, contributions, closure.overall.value, settings),
        scale_factors=run_scale_factors(table, test, contributions, settings.scale_factors, name=run.name or run.id),
        control=table,
        test=test,
    )


def _price(test: pd.DataFrame, settings: ComparisonSettings) -> Price:
    axes = [axis for axis in settings.axes if axis.column in test]
    options = {"samples": settings.bootstrap, "seed": settings.seed}
    return measure_price(test, settings.working_points, settings.mis_ids, axes, **options)


def _mis_id_ratios(test: pd.DataFrame, reference: pd.DataFrame, settings: ComparisonSettings) -> tuple[Measured, ...]:
    weights = [side["weights"].to_numpy() for side in _sides(test, JET)]
    scores, others = _scores(test, JET), _scores(reference, JET)
    options = {"samples": settings.bootstrap, "seed": settings.seed}
    return tuple(mis_id_ratio(wanted, scores, others, *weights, **options) for wanted in settings.working_points)


def _domain_aucs(control: Predictions, contributions: list[Contribution], settings: ComparisonSettings) -> dict[str, Any]:
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
    null = {"permutations": settings.permutations, "seed": settings.seed}
    tested = {"Djet": table["Djet"].to_numpy(), "probabilities": probabilities}
    p_values = {
        name: two_sample_p_value(*sides(values), weights, trees(settings.seed), **null) for name, values in tested.items()
    }
    p_values["features"] = two_sample_p_value(*sides(features), weights, dense_head(settings.seed), **null)
    return {
        "domain_p_values": p_values,
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
