"""Scale factors of runs: measured, and written into each run as tables, correctionlib JSON and histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.working_points import Thresholds
from TauAdv.evaluation.performance.working_points import thresholds_for
from TauAdv.evaluation.predictions.contributions import Given, contributions_of_set, contributions_of_tables
from TauAdv.evaluation.predictions.inference import predict
from TauAdv.evaluation.predictions.origin import set_of
from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.evaluation.predictions.tables import (
    PREDICTION_FILES,
    load_run_model,
    manifest_of_predictions,
    read_predictions,
    require_model_of_taus,
    require_run_features,
)
from TauAdv.evaluation.report_folder import make_report_folder
from TauAdv.evaluation.scale_factors.correction import correction_text
from TauAdv.evaluation.scale_factors.measure import ScaleFactors, measure_scale_factors
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings
from TauAdv.evaluation.scale_factors.tables import as_table, as_text
from TauAdv.io.atomic import write_json, write_text
from TauAdv.io.file_names import metric_name
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.runs import Run, find_runs
from TauAdv.runs.layout import MODEL, PREDICTIONS, SCALE_FACTORS
from TauAdv.shards.store import ShardSet
from TauAdv.tuples.histograms import write_histograms

__all__ = ["as_dictionary", "key_numbers", "make_scale_factors", "root_histograms", "write_scale_factors"]

STEP = "scale_factors"


@dataclass(frozen=True)
class _ControlRegion:
    """Where the taus of a run come from: a set of shards, or the prediction table in the run."""

    run: Run
    shards: ShardSet | None
    contributions: list[Contribution]

    @classmethod
    def of(cls, run: Run, control: Path | str | None, given: Given) -> _ControlRegion:
        if control is None:
            return cls(run, None, contributions_of_tables({run.id: run}, given))
        require_model_of_taus(run, with_head=False)
        shards = ShardSet.open(control)
        contributions = contributions_of_set(shards, given)
        require_run_features(run, shards)
        return cls(run, shards, contributions)

    @property
    def inputs(self) -> list[Any]:
        if self.shards is not None:
            return [describe_input(self.run.artifacts / MODEL), self.shards.description]
        paths = [self.run.artifacts / PREDICTIONS / name for name in PREDICTION_FILES]
        return [path for path in paths if path.is_file()][:1]

    def read(self, batch_size: int) -> pd.DataFrame:
        if self.shards is None:
            return read_predictions(self.run, ["dataset_id"])
        model = load_run_model(self.run, self.shards)
        return predict(model, self.shards, batch_size=batch_size, use_adversarial_head=False).table


def make_scale_factors(
    mlpath: Path | str,
    run_ids: Sequence[str],
    control: Path | str | None = None,
    *,
    settings: ScaleFactorSettings | None = None,
    working_points: str | None = None,
    contributions: Given = None,
    overwrite: bool = False,
) -> dict[str, ScaleFactors]:
    """Measure scale factors of runs and write ``artifacts/scale_factors`` of each; return run id -> scale factors.

    Those of all bins together are metrics of the run, too.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_ids: of the runs.
        control: adversarial set; ``None``: the prediction table of each run.
        settings: see :class:`ScaleFactorSettings`.
        working_points: name of published thresholds, or a file; ``None``: those of each run.
        contributions: what the dataset ids stand for, where the manifests do not say it.
        overwrite: replace scale factors that were measured otherwise.

    Raises:
        InputError: unknown run, no predictions, no working points (names the command), contributions that are not known, or
            as :func:`measure_scale_factors`.
        OutputExistsError: a folder made otherwise is there and ``overwrite`` is false.
        OutputLockedError: another process writes it.
    """
    settings = settings or ScaleFactorSettings()
    runs = find_runs(mlpath, {run_id: run_id for run_id in run_ids})
    if control is None:
        _require_one_region(runs, contributions)
    regions = {key: _ControlRegion.of(run, control, contributions) for key, run in runs.items()}
    thresholds = {key: _thresholds(run, working_points, settings) for key, run in runs.items()}
    return {key: _of_run(regions[key], thresholds[key], settings, overwrite) for key in runs}


def _require_one_region(runs: Mapping[str, Run], given: Given) -> None:
    """Refuse runs whose prediction tables are of different taus: their scale factors would not be comparable."""
    contributions_of_tables(runs, given)
    sets: dict[str, str] = {}
    for key, run in runs.items():
        sets.setdefault(set_of(manifest_of_predictions(run)), key)
    if len(sets) > 1:
        msg = f"scale factors: the predictions of runs {' and '.join(sets.values())} are of different sets"
        raise InputError(f"{msg}: give the set that all are to be measured on, --control SHARDS")


def _thresholds(run: Run, given: str | None, settings: ScaleFactorSettings) -> Thresholds:
    """Return the thresholds against the backgrounds that are asked for."""
    found, origin = thresholds_for(run, given)
    if not found:
        msg = f"scale factors: {origin}; or give thresholds, --working-points 2018v2p5 or a file"
        raise InputError(msg)
    return {background: found[background] for background in settings.against if background in found}


def _of_run(region: _ControlRegion, thresholds: Thresholds, settings: ScaleFactorSettings, overwrite: bool) -> ScaleFactors:
    run = region.run
    decisive = {
        "run": run.id,
        "working_points": {background: dict(points) for background, points in thresholds.items()},
        "contributions": [entry.model_dump(mode="json") for entry in region.contributions],
        **settings.model_dump(mode="json"),
    }

    def study() -> _Study:
        table = region.read(settings.batch_size)
        found = measure_scale_factors(table, region.contributions, thresholds, settings, name=run.name or run.id)
        if len(found.empty) == len(found.factors) + len(found.inclusive):
            msg = f"scale factors of {run.title}: no bin gives a number; {found.empty[0]}"
            raise InputError(msg)
        overlap = None if region.shards is None else trained_on(run, region.shards)
        return _Study(found, run.title, len(table), (*found.warnings, *([overlap] if overlap else [])))

    folder = run.artifacts / SCALE_FACTORS
    run.require_writable(SCALE_FACTORS)
    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": region.inputs, "overwrite": overwrite}
    found = make_report_folder(folder, study, write_scale_factors, None, **made).factors
    run.replace_metrics(key_numbers(found))
    run.flush()
    return found


def key_numbers(found: ScaleFactors) -> dict[str, float]:
    """Return the inclusive scale factors and their uncertainties, as metrics by which MLflow sorts runs."""
    numbers: dict[str, float] = {}
    for one in found.inclusive:
        if one.measured is not None:
            name = f"scale_factors/{one.background}_{metric_name(one.working_point)}"
            numbers |= {name: one.measured.factor.value, f"{name}_error": one.measured.error}
    return numbers


@dataclass(frozen=True)
class _Study:
    factors: ScaleFactors
    title: str
    taus: int
    warnings: tuple[str, ...]

    @property
    def counts(self) -> Mapping[str, Any]:
        """What a manifest says."""
        return {"taus": self.taus, "bins": len(self.factors.factors), "empty": len(self.factors.empty)}


def write_scale_factors(study: _Study, folder: Path) -> str:
    """Write tables, correctionlib JSON and ROOT histograms into ``folder``; return the text to print.

    Raises:
        RuntimeError: correctionlib refuses what was written.
    """
    found = study.factors
    warnings = [f"WARNING: {line}" for line in study.warnings]
    write_text(folder / "correction.json", correction_text(found))
    write_json(folder / "scale_factors.json", as_dictionary(found) | {"warnings": list(study.warnings)})
    as_table(found).to_csv(folder / "scale_factors.csv", index=False)
    write_text(folder / "scale_factors.md", "\n".join([as_text(found, study.title), *warnings, ""]))
    write_histograms(folder / "histograms.root", root_histograms(found))
    return "\n".join([as_text(found, study.title, inclusive_only=True), *warnings, ""])


def as_dictionary(found: ScaleFactors) -> dict[str, Any]:
    """Return the scale factors as JSON values; what is not known is null, and infinity the text ``inf``."""
    rows = as_table(found).astype(object)
    rows = rows.where(rows.notna(), None).replace(float("inf"), "inf").to_dict("records")
    return {
        "name": found.name,
        "explanation": found.settings.explanation,
        "settings": found.settings.model_dump(mode="json"),
        "scale": found.scale,
        "uncertainties": dict(found.uncertainties),
        "scale_factors": rows,
        "empty": found.empty,
    }


def root_histograms(found: ScaleFactors) -> dict[str, Any]:
    """Return key -> histogram of pt: background, working point, decay modes, pass or fail, contribution, joined by ``/``."""
    histograms = {}
    for background, filled in found.histograms.items():
        contribution, point, result, mode = (list(filled.axes[number]) for number in range(4))
        for place in ((p, m, r, c) for p in point for m in mode for r in result for c in contribution):
            key = f"vs_{background}/{place[0]}/dm_{place[1]}/{place[2]}/{place[3]}"
            histograms[key] = filled[place[3], place[0], place[2], place[1], :]
    return histograms
