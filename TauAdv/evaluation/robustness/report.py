"""A study of robustness as tables to read, as CSV and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from TauAdv.evaluation.adaptation.text import aligned
from TauAdv.evaluation.predictions.tables import require_run_features
from TauAdv.evaluation.report_folder import Drawing, make_report_folder
from TauAdv.evaluation.robustness.settings import RAW, RobustnessSettings
from TauAdv.evaluation.robustness.study import RobustnessStudy, evaluate_robustness
from TauAdv.evaluation.robustness.tables import FEWEST_PASSING
from TauAdv.io.atomic import new_file, write_json, write_text
from TauAdv.runs import find_run
from TauAdv.shards.store import ShardSet

__all__ = ["as_text", "make_robustness_report", "summary_table", "write_robustness_report"]

STEP = "evaluate_robustness"
JSON_NAME, TEXT_NAME = "robustness.json", "robustness.txt"


def make_robustness_report(
    folder: Path | str,
    mlpath: Path | str,
    run_ids: Mapping[str, str],
    test: Path | str,
    *,
    settings: RobustnessSettings,
    parts: Sequence[str] | None = None,
    overwrite: bool = False,
    draw: Drawing | None = None,
) -> RobustnessStudy:
    """Study runs (see :func:`~TauAdv.evaluation.robustness.study.evaluate_robustness`), write tables and print a summary.

    A report of the same runs, set and settings is made again; how a folder is replaced says
    :func:`TauAdv.evaluation.report_folder.make_report_folder`.

    Args:
        folder: of the report.
        mlpath: as of ``evaluate_robustness``.
        run_ids: the same.
        test: the same.
        settings: the same.
        parts: the same.
        overwrite: replace another report, and predictions of an earlier model in the runs.
        draw: puts plots of the study into the folder that it is given.

    Raises:
        InputError: as ``evaluate_robustness``.
        OutputExistsError: predictions of an earlier model are in a run, and ``overwrite`` is false.
        Others: as ``make_report_folder``.
    """
    inputs = [Path(test).resolve()]
    decisive = {"runs": dict(run_ids), "parts": parts, **settings.model_dump(mode="json")}
    shards = ShardSet.open(test)
    for run_id in run_ids.values():
        require_run_features(find_run(mlpath, run_id), shards)  # the cause, if the set differs from that of a report

    def study() -> RobustnessStudy:
        return evaluate_robustness(mlpath, run_ids, test, settings, parts=parts, overwrite=overwrite)

    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": inputs, "overwrite": overwrite}
    return make_report_folder(folder, study, write_robustness_report, draw, **made)


def write_robustness_report(study: RobustnessStudy, folder: Path | str) -> str:
    """Write text, one CSV per table, and JSON into an empty folder; return the text."""
    folder, text = Path(folder), as_text(study)
    write_text(folder / TEXT_NAME, text)
    for name, table in study.tables().items():
        with new_file(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    write_json(folder / JSON_NAME, _dictionary(study))
    return text


def summary_table(study: RobustnessStudy, column: str = "auc") -> pd.DataFrame:
    """Return one row per discriminator and run, one column per disturbance, "value ± error" as text; "-" for NaN."""
    rows = []
    for (name, run), part in study.performance.groupby(["discriminator", "run"], sort=False):
        cells = {line["disturbance"]: _with_error(line[column], line[f"{column}_error"]) for _, line in part.iterrows()}
        rows.append({"score": name, "run": run, **cells})
    return pd.DataFrame(rows)


def _with_error(value: float, error: float) -> str:
    return "-" if pd.isna(value) else f"{value:.4f} ± {error:.4f}"


def as_text(study: RobustnessStudy) -> str:
    """Return the main tables, and what is needed to read them."""
    lines = []
    if len(study.performance):
        lines += ["AUC", *_text_table(summary_table(study)), ""]
        for mistag in study.settings.mistags:
            title = f"signal efficiency at {100 * mistag:g} % mistag"
            column = f"efficiency_at_{mistag:g}"
            lines += [title, *_text_table(summary_table(study, column))]
            if study.performance[column].isna().any():
                lines.append(f"-: fewer than {FEWEST_PASSING} background {study.rows} are expected at this rate")
            lines.append("")
    if len(study.recovered):
        lines += [f"AUC lost by {next(iter(study.run_ids))} and won back", *_text_table(_recovered(study.recovered)), ""]
    counts = ", ".join(f"{number} {name}" for name, number in study.counts.items())
    weights = "with the weights of the set" if study.settings.weighted else "unweighted"
    errors = f"Errors: {study.settings.bootstrap} bootstrap samples of the test set; one training each."
    lines += [f"Test set {study.test}: {counts}; {weights}. {errors}", _strengths(study.settings)]
    if study.prediction_file:
        lines.append(f"Predictions, in the artifacts of each run: {study.prediction_file}")
    return "\n".join([*lines, *(f"WARNING: {text}" for text in study.warnings)]) + "\n"


def _recovered(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text; discriminators that mirror each other (CvsB of BvsC) keep both rows."""
    return pd.DataFrame(
        {
            "run": table["run"],
            "score": table["discriminator"],
            "disturbance": table["disturbance"],
            "lost, in points": (100 * table["lost_by_first"]).map("{:.2f}".format),
            "recovered": [
                "-" if pd.isna(value) else f"{value:.3f} ± {error:.3f}"
                for value, error in zip(table["recovered"], table["recovered_error"], strict=True)
            ],
            "clean change, in points": [
                f"{100 * value:+.2f} ± {100 * error:.2f}"
                for value, error in zip(table["clean_change"], table["clean_change_error"], strict=True)
            ],
        }
    )


def _text_table(table: pd.DataFrame) -> list[str]:
    return aligned([list(table.columns), *(list(row) for row in table.itertuples(index=False, name=None))])


def _strengths(settings: RobustnessSettings) -> str:
    described = [f"{name}: {attack.kind}, eps {attack.eps}" for name, attack in settings.disturbances.items()]
    return f"Disturbances ({RAW}: none): {'; '.join(described)}."


def _dictionary(study: RobustnessStudy) -> dict[str, Any]:
    tables = {name: json.loads(table.to_json(orient="records")) for name, table in study.tables().items()}
    return {
        "runs": dict(study.run_ids),
        "test": study.test.name,
        "counts": dict(study.counts),
        "settings": study.settings.model_dump(mode="json"),
        "warnings": list(study.warnings),
        "prediction_file": study.prediction_file,
        "confusion": {f"{run}, {name}": matrix.tolist() for (run, name), matrix in study.confusion.items()},
        **tables,
    }
