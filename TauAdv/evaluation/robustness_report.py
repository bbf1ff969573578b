"""A study of robustness as tables to read, as CSV and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from TauAdv.errors import OutputExistsError, TauAdvError
from TauAdv.evaluation.predictions import require_run_features
from TauAdv.evaluation.report import aligned
from TauAdv.evaluation.robustness import RobustnessStudy, evaluate_robustness
from TauAdv.evaluation.robustness_settings import RAW, RobustnessSettings
from TauAdv.evaluation.robustness_tables import FEWEST_PASSING
from TauAdv.io.atomic import new_folder
from TauAdv.io.manifests import finished, manifest_path, read_manifest, write_manifest
from TauAdv.shards.store import ShardSet
from TauAdv.tracking import find_run

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
    draw: Callable[[RobustnessStudy, Path], Any] | None = None,
) -> RobustnessStudy:
    """Study runs (see :func:`TauAdv.evaluation.robustness.evaluate_robustness`), write the tables and print the summary.

    A report of the same runs, set and settings is made again; another one is replaced only with ``overwrite``. It is
    replaced as a whole, plots included, or left as it was; a folder that holds anything else is never replaced. Only where
    a plot fails does the new report come without it and the page: the tables took longer to make.

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
        OutputExistsError: another report is in ``folder``, or predictions of an earlier model in a run, and ``overwrite`` is
            false; ``folder`` is a file, or holds files that are not of a report, at the start or at the end.
        OSError: ``folder`` cannot be made; before anything is measured.
        TauAdvError: the report is there, but could not be drawn for want of space and the like.
        RuntimeError: the report is there, but a plot failed otherwise.
    """
    target, inputs = Path(folder).resolve(), [Path(test).resolve()]
    decisive = {"runs": dict(run_ids), "parts": parts, **settings.model_dump(mode="json")}
    shards = ShardSet.open(test)
    for run_id in run_ids.values():
        require_run_features(find_run(mlpath, run_id), shards)  # the cause, if the set differs from that of a report
    if target.is_dir() and any(target.iterdir()):
        finished(target, step=STEP, settings=decisive, inputs=inputs, overwrite=overwrite, make_again=True)
        _require_nothing_else(target)
    with new_folder(target) as temporary:  # before the hours of evaluation: a place that cannot be written is known now
        study = evaluate_robustness(mlpath, run_ids, test, settings, parts=parts, overwrite=overwrite)
        print(write_robustness_report(study, temporary))
        failure = None if draw is None else _failure_of(draw, study, temporary)
        files = _files(temporary)
        write_manifest(temporary, step=STEP, settings=decisive, inputs=inputs, counts=study.counts, files=files)
        _require_nothing_else(target)  # nor what was put there meanwhile
    if failure is not None:
        kind = TauAdvError if isinstance(failure, TauAdvError | OSError) else RuntimeError
        msg = f"{target}: tables are complete, but not all plots could be made ({type(failure).__name__}: {failure})"
        raise kind(msg) from failure
    return study


def _failure_of(draw: Callable[[RobustnessStudy, Path], Any], study: RobustnessStudy, folder: Path) -> Exception | None:
    """Draw, and return what went wrong."""
    try:
        draw(study, folder)
    except Exception as error:  # whatever it is: it must not cost the tables
        return error
    return None


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def _require_nothing_else(folder: Path) -> None:
    """Refuse to replace a report whose folder holds files that are not its own; without a manifest, none is."""
    own = {"manifest.json", *read_manifest(folder).get("files", [])} if manifest_path(folder).is_file() else set()
    others = sorted(set(_files(folder)) - own)
    if others:
        shown = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
        msg = f"{folder}: holds files that are not of the report ({shown}); move them away, or give another output name"
        raise OutputExistsError(msg)


def write_robustness_report(study: RobustnessStudy, folder: Path | str) -> str:
    """Write text, one CSV per table, and JSON into an empty folder; return the text."""
    folder, text = Path(folder), as_text(study)
    (folder / TEXT_NAME).write_text(text, encoding="utf-8")
    for name, table in study.tables().items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / JSON_NAME).write_text(json.dumps(_dictionary(study), indent=1) + "\n", encoding="utf-8")
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
