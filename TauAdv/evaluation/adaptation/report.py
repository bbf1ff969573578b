"""The report of a comparison of runs: text, JSON and tables in a folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.evaluation.adaptation.comparison import compare_runs
from TauAdv.evaluation.adaptation.entries import Asked, RunIds, asked_entries, find_entries, reference_of
from TauAdv.evaluation.adaptation.metrics import log_metrics, log_report, require_loggable
from TauAdv.evaluation.adaptation.results import RunComparison, RunResult
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.adaptation.text import Y_ADV_NOTE, as_text
from TauAdv.evaluation.adaptation.uncertainties import moves_most
from TauAdv.evaluation.measures.agreement import Agreement
from TauAdv.evaluation.measures.closure_bins import ClosureBins
from TauAdv.evaluation.measures.closure_regions import regions_table
from TauAdv.evaluation.measures.mis_id import MisId
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.contributions import Given, contributions_of_set
from TauAdv.evaluation.report_folder import Drawing, make_report_folder
from TauAdv.io.atomic import new_file, write_json, write_text
from TauAdv.shards.store import ShardSet

__all__ = ["as_dictionary", "as_text", "make_report", "records", "tables", "write_report"]

STEP = "compare_runs"
JSON_NAME, TEXT_NAME = "comparison.json", "comparison.txt"


def as_dictionary(comparison: RunComparison) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "sensitive": comparison.agreement.verdict == "disagree",
        "reference": comparison.reference,
        "counts": dict(comparison.counts),
        "settings": comparison.settings.model_dump(mode="json"),
        "warnings": list(comparison.warnings),
        "runs": {label: _result(result) for label, result in comparison.results.items()},
        "entries": [
            {"label": entry.label, "runs": list(entry.runs), "notes": list(entry.notes)} for entry in comparison.entries
        ],
        "bands": records(comparison.bands),
        "uncertainties": records(comparison.uncertainties),
        "moves_most": moves_most(comparison.uncertainties),
        "scale_factors": _scale_factors(comparison),
        "y_adv_note": Y_ADV_NOTE,
        "not_varied": list(comparison.not_varied),
    }


def tables(comparison: RunComparison) -> dict[str, pd.DataFrame]:
    """Return the tables of the report by the names of their CSV files; the first column is the run."""
    results = comparison.results
    by_run = {
        "regions": {label: regions_table(result.details.regions) for label, result in results.items()},
        "closure_bins": {label: result.details.bins.table for label, result in results.items()},
        "price": {label: result.price for label, result in results.items()},
        "scale_factors": _measured_tables(comparison),
    }
    found = {
        name: pd.concat([_of_run(label, table) for label, table in each.items()]) for name, each in by_run.items() if each
    }
    return {**found, "bands": comparison.bands, "uncertainties": comparison.uncertainties}


def _measured_tables(comparison: RunComparison) -> dict[str, pd.DataFrame]:
    return {label: result.scale_factors.table for label, result in comparison.results.items() if result.scale_factors.found}


def _scale_factors(comparison: RunComparison) -> dict[str, Any]:
    return {
        "explanation": comparison.settings.scale_factors.explanation,
        "improvements": records(comparison.scale_factor_improvements),
        "summaries": [{name: _value(value) for name, value in found.items()} for found in comparison.scale_factor_summaries],
        "runs": {label: records(table) for label, table in _measured_tables(comparison).items()},
        "none": {
            label: result.scale_factors.reason for label, result in comparison.results.items() if result.scale_factors.reason
        },
        "warnings": {label: list(result.scale_factors.warnings) for label, result in comparison.results.items()},
    }


def _of_run(label: str, table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pd.Series(label, index=table.index, name="run"), table], axis=1)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON values; what is not known (NaN) is null."""
    rows = table.astype(object).to_dict("records")
    return [{str(name): _value(value) for name, value in row.items()} for row in rows]


def _value(value: Any) -> Any:
    """Return a value of a table as JSON has it."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


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
        "regions": records(regions_table(result.details.regions)),
        "bins": _bins(result.details.bins),
        "auc_data_mc_djet": _measured(result.auc_djet),
        "auc_data_mc_probabilities": _measured(result.auc_probabilities),
        "auc_domain_head_features": _measured(result.auc_features),
        "p_values_data_mc": dict(result.domain_p_values),
        "y_adv": y_adv
        and {side: {"mean": _measured(mean), "width": _measured(width)} for side, (mean, width) in y_adv.items()},
        "auc_tau_jet": _measured(result.auc_tau_jet),
        "auc_tau_lepton": {name: _measured(value) for name, value in result.auc_lepton.items()},
        "price": records(result.price),
        "jet_mis_id": [_mis_id(value) for value in result.mis_id],
        "jet_mis_id_ratio": result.mis_id_ratio and [_measured(value) for value in result.mis_id_ratio],
    }


def _bins(bins: ClosureBins) -> dict[str, Any]:
    names = ("global_p_value", "samples", "left_out", "problems")
    most = None if bins.most_deviating is None else records(bins.table.loc[[bins.most_deviating]])[0]
    return {name: getattr(bins, name) for name in names} | {"most_deviating": most, "table": records(bins.table)}


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
    runs: RunIds,
    control: Path | str,
    test: Path | str,
    *,
    reference: str | None = None,
    settings: ComparisonSettings | None = None,
    contributions: Given = None,
    overwrite: bool = False,
    draw: Drawing | None = None,
    log: bool = False,
) -> RunComparison:
    """Compare runs (see :func:`compare_runs`), write the report into ``folder`` and print the table.

    A report of the same runs, sets and settings is made again; another one is not replaced unless ``overwrite``. The folder
    is replaced as a whole, nothing of an earlier comparison stays: see
    :func:`TauAdv.evaluation.report_folder.make_report_folder`. With ``log``, the key numbers become metrics of the runs, and
    the report is copied into their artifacts.

    Raises:
        InputError: as :func:`compare_runs`.
        OutputExistsError: another report is in ``folder`` and ``overwrite`` is false, or files that are not of a report.
        OutputLockedError: another process writes the report.
        WriteError: ``folder``, or with ``log`` a run, cannot be written.
    """
    settings = settings or ComparisonSettings()
    entries = find_entries(mlpath, runs)
    reference_of(entries, reference)  # mistakes are said before the folder is looked at
    if log:
        require_loggable(run for entry in entries for run in entry.runs.values())
    known = contributions_of_set(ShardSet.open(control), contributions)
    decisive = {
        "runs": dict(_as_asked(entry) for entry in asked_entries(runs)),
        "reference": reference,
        "comparison": settings.model_dump(mode="json"),
        "contributions": [entry.model_dump(mode="json") for entry in known],
    }
    inputs = [Path(control), Path(test)]

    def study() -> RunComparison:
        options: dict[str, Any] = {"reference": reference, "settings": settings, "contributions": known}
        return compare_runs(mlpath, runs, control, test, **options)

    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": inputs, "overwrite": overwrite}

    def write(comparison: RunComparison, temporary: Path) -> str:
        text = write_report(comparison, temporary)
        if log:
            log_metrics(comparison)
        return text

    comparison = make_report_folder(folder, study, write, draw, **made)
    if log:
        log_report(comparison, Path(folder))
    return comparison


def _as_asked(entry: Asked) -> tuple[str, Any]:
    """Return label and run id of what was asked for; several ids as a list."""
    first = entry.run_ids[0]
    return first if entry.label is None else entry.label, first if len(entry.run_ids) == 1 else list(entry.run_ids)


def write_report(comparison: RunComparison, folder: Path | str) -> str:
    """Write the report as JSON and text into ``folder``; return the text."""
    folder, text = Path(folder), as_text(comparison)
    write_text(folder / TEXT_NAME, text)
    write_json(folder / JSON_NAME, as_dictionary(comparison))
    for name, table in tables(comparison).items():
        with new_file(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    return text
