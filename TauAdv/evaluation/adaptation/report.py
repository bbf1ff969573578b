"""The comparison of runs as a table to read and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from TauAdv.evaluation.adaptation.comparison import ComparisonSettings, RunComparison, RunResult, compare_runs
from TauAdv.evaluation.measures.agreement import Agreement
from TauAdv.evaluation.measures.mis_id import MisId
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.contributions import Given, contributions_of_set
from TauAdv.evaluation.report_folder import Drawing, make_report_folder
from TauAdv.io.atomic import write_json, write_text
from TauAdv.shards.store import ShardSet

__all__ = ["aligned", "as_dictionary", "as_text", "make_report", "write_report"]

STEP = "compare_runs"
JSON_NAME, TEXT_NAME = "comparison.json", "comparison.txt"


def as_text(comparison: RunComparison) -> str:
    """Return the comparison as a table, one column per run, with what is needed to read it below."""
    labels = list(comparison.results)
    lines = [("", *labels)]
    for name, cell in _lines(comparison):
        lines.append((name, *(cell(result) for result in comparison.results.values())))
    return "\n".join([*aligned(lines), "", *_explanations(comparison)]) + "\n"


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of text in columns, with a rule below the first."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    table.insert(1, "-" * len(max(table, key=len)))
    return table


def _lines(comparison: RunComparison) -> list[tuple[str, Callable[[RunResult], str]]]:
    settings = comparison.settings
    top = f"top {100 * settings.top_fraction:g} %"

    def mis_id(number: int) -> Callable[[RunResult], str]:
        return lambda result: _percent(result.mis_id[number])

    def ratio(number: int) -> Callable[[RunResult], str]:
        return lambda result: "1 (reference)" if result.mis_id_ratio is None else f"{result.mis_id_ratio[number]:.2f}"

    def adversarial(side: str) -> Callable[[RunResult], str]:
        return lambda result: "-" if result.y_adv is None else f"{result.y_adv[side][0]:.4f}"

    lines: list[tuple[str, Callable[[RunResult], str]]] = [
        (f"data/MC chi2/ndf of Djet, {top}", lambda result: f"{result.closure.chi2_per_ndf:.2f}"),
        (f"data/MC rate, {top}", lambda result: f"{result.closure.rate:.3f}"),
        ("p-value of data against MC, bins and rate", lambda result: _p_value(result.closure.agreement)),
        ("AUC data against MC, on Djet", lambda result: f"{result.auc_djet:.3f}"),
        ("AUC data against MC, on e, mu, tau, jet", lambda result: f"{result.auc_probabilities:.3f}"),
        ("AUC domain head alone, frozen features", lambda result: f"{result.auc_features:.3f}"),
        ("y_adv mean, data", adversarial("data")),
        ("y_adv mean, MC", adversarial("MC")),
        ("AUC tau against jet", lambda result: f"{result.auc_tau_jet:.4f}"),
    ]
    for number, efficiency in enumerate(settings.working_points):
        lines.append((f"jet mis-id at {100 * efficiency:g} %, in %", mis_id(number)))
        lines.append((f"  relative to {comparison.reference}", ratio(number)))
    return lines


def _percent(mis_id: MisId) -> str:
    return f"{100 * mis_id.mis_id.value:.3g} ± {100 * mis_id.error:.2g}"


def _p_value(agreement: Agreement | None) -> str:
    return "-" if agreement is None or agreement.p_value is None else f"{agreement.p_value:.2g}"


_VERDICTS = {
    "disagree": "DISAGREEMENT between data and simulation of the nominal model: there is something to repair",
    "agree": "AGREEMENT of data and simulation of the nominal model: nothing to repair is seen",
    "too few taus": "TOO FEW TAUS TO TELL whether data and simulation of the nominal model agree",
}


def _verdict(agreement: Agreement) -> str:
    """Return what data say about the nominal model, in words."""
    text = f"{_VERDICTS[agreement.verdict]} ({agreement})."
    shift = agreement.smallest_shift
    if agreement.verdict == "too few taus" and math.isfinite(shift):
        more = (shift / agreement.relevant_shift) ** 2
        text += f" About {more:.1f} times as many would show a shift of {100 * agreement.relevant_shift:g} %."
    return text


def _explanations(comparison: RunComparison) -> list[str]:
    nominal = next(iter(comparison.results.values())).closure
    passing = " / ".join(str(mis_id.mis_id.passed) for mis_id in comparison.results[comparison.reference].mis_id)
    return [
        _verdict(comparison.agreement),
        f"Control region: {comparison.counts['control']} taus, {nominal.ndf} bins of equal genuine-tau population per model;"
        f" a perfect description scatters by {(2 / nominal.ndf) ** 0.5:.2f} in chi2/ndf, other seeds by more.",
        f"MC is scaled to the total of data; before that data/MC is {nominal.overall:.3f}.",
        f"Test set: {comparison.counts['test']} candidates; {passing} jets of {comparison.reference} pass at the working"
        " points. Mis-id errors: counts and threshold; ratios: bootstrap of the common test set.",
        *(f"WARNING: {text}" for text in comparison.warnings),
    ]


def as_dictionary(comparison: RunComparison) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "sensitive": comparison.agreement.verdict == "disagree",
        "reference": comparison.reference,
        "counts": dict(comparison.counts),
        "settings": comparison.settings.model_dump(mode="json"),
        "warnings": list(comparison.warnings),
        "runs": {label: _result(result) for label, result in comparison.results.items()},
    }


def _result(result: RunResult) -> dict[str, Any]:
    closure, y_adv = result.closure, result.y_adv
    return {
        "run_id": result.run_id,
        "closure": {
            "chi2": closure.chi2,
            "ndf": closure.ndf,
            "chi2_per_ndf": closure.chi2_per_ndf,
            "rate": _measured(closure.rate),
            "overall_rate": _measured(closure.overall),
            "lower_edges": closure.edges[:-1],
            "agreement": closure.agreement and _agreement(closure.agreement),
        },
        "auc_data_mc_djet": _measured(result.auc_djet),
        "auc_data_mc_probabilities": _measured(result.auc_probabilities),
        "auc_domain_head_features": _measured(result.auc_features),
        "y_adv": y_adv
        and {side: {"mean": _measured(mean), "width": _measured(width)} for side, (mean, width) in y_adv.items()},
        "auc_tau_jet": _measured(result.auc_tau_jet),
        "auc_tau_lepton": {name: _measured(value) for name, value in result.auc_lepton.items()},
        "jet_mis_id": [_mis_id(value) for value in result.mis_id],
        "jet_mis_id_ratio": result.mis_id_ratio and [_measured(value) for value in result.mis_id_ratio],
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    names = ("verdict", "p_value", "p_bins", "p_rate", "ndf", "significance", "power", "relevant_shift")
    return {name: getattr(agreement, name) for name in names} | {"rates_that_would_be_seen": agreement.seen}


def _measured(value: Measured) -> dict[str, float]:
    return {"value": value.value, "error": value.error}


def _mis_id(value: MisId) -> dict[str, float]:
    return {
        "efficiency": value.efficiency,
        "threshold": value.threshold,
        "value": value.mis_id.value,
        "low": value.mis_id.low,
        "high": value.mis_id.high,
        "passed": value.mis_id.passed,
        "threshold_error": value.threshold_error,
        "error": value.error,
    }


def make_report(
    folder: Path | str,
    mlpath: Path | str,
    run_ids: Mapping[str, str],
    control: Path | str,
    test: Path | str,
    *,
    reference: str | None = None,
    settings: ComparisonSettings | None = None,
    contributions: Given = None,
    overwrite: bool = False,
    draw: Drawing | None = None,
) -> RunComparison:
    """Compare runs (see :func:`compare_runs`), write the report into ``folder`` and print the table.

    A report of the same runs, sets and settings is made again; another one is not replaced unless ``overwrite``. The folder
    is replaced as a whole, nothing of an earlier comparison stays: see
    :func:`TauAdv.evaluation.report_folder.make_report_folder`.

    Raises:
        InputError: as :func:`compare_runs`.
        OutputExistsError: another report is in ``folder`` and ``overwrite`` is false, or files that are not of a report.
        OutputLockedError: another process writes the report.
    """
    settings = settings or ComparisonSettings()
    known = contributions_of_set(ShardSet.open(control), contributions)
    decisive = {
        "runs": dict(run_ids),
        "reference": reference,
        "comparison": settings.model_dump(mode="json"),
        "contributions": [entry.model_dump(mode="json") for entry in known],
    }
    inputs = [Path(control), Path(test)]

    def study() -> RunComparison:
        options: dict[str, Any] = {"reference": reference, "settings": settings, "contributions": known}
        return compare_runs(mlpath, run_ids, control, test, **options)

    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": inputs, "overwrite": overwrite}
    return make_report_folder(folder, study, write_report, draw, **made)


def write_report(comparison: RunComparison, folder: Path | str) -> str:
    """Write the report as JSON and text into ``folder``; return the text."""
    folder, text = Path(folder), as_text(comparison)
    write_text(folder / TEXT_NAME, text)
    write_json(folder / JSON_NAME, as_dictionary(comparison))
    return text
