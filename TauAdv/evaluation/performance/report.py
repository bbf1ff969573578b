"""The performance of runs: measured, written into each run as ``performance.json``, and printed as tables to paste."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from TauAdv.evaluation.performance.curves import Performance, PerformanceCurve, Points, measure_performance
from TauAdv.evaluation.performance.disturbed import disturbed_curves, disturbed_tables
from TauAdv.evaluation.performance.files import as_json
from TauAdv.evaluation.performance.labelled import Source
from TauAdv.evaluation.performance.settings import PerformanceSettings
from TauAdv.evaluation.performance.tables import markdown
from TauAdv.evaluation.performance.working_points import thresholds_for
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.io.file_names import metric_name
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import finished
from TauAdv.runs import find_run
from TauAdv.runs.layout import PERFORMANCE

__all__ = ["as_text", "key_numbers", "write_performance"]

STEP = "evaluate_performance"


def write_performance(
    mlpath: Path | str,
    run_id: str,
    test: Path | str | None = None,
    *,
    settings: PerformanceSettings | None = None,
    working_points: str | None = None,
    disturbed: bool = False,
    overwrite: bool = False,
) -> Path:
    """Measure the performance of a run, write ``artifacts/performance.json`` and print tables; return the path.

    Areas and misidentification at the working points are metrics of the run, too.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_id: the run.
        test: classification set; ``None``: the prediction table in the run.
        settings: see :class:`PerformanceSettings`.
        working_points: name of published thresholds, or a file; ``None``: those of the run, if it has some.
        disturbed: also measure the candidates that ``tauadv robustness`` disturbed.
        overwrite: replace a file that was made otherwise.

    Raises:
        InputError: unknown run, no predictions, a set of another kind, or as :func:`measure_performance`.
        OutputExistsError: a file made otherwise is there and ``overwrite`` is false.
        OutputLockedError: another process writes it.
    """
    settings = settings or PerformanceSettings()
    run = find_run(mlpath, run_id)
    run.require_writable(PERFORMANCE)
    source = Source.of(run, test)
    thresholds, origin = thresholds_for(run, working_points)
    path = run.artifacts / PERFORMANCE
    tables = disturbed_tables(run, test) if disturbed else {}
    decisive = {"disturbed": list(tables), "run": run.id, "working_points": thresholds, **settings.model_dump(mode="json")}
    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": source.inputs}
    with output_lock(path):
        finished(path, **made, overwrite=overwrite, make_again=True)
        taus = source.read(settings.batch_size)
        found = measure_performance(taus, settings, thresholds, name=run.name or run.id)
        curves = disturbed_curves(tables, source.name, settings, thresholds)
        found = replace(found, curves=(*found.curves, *curves))
        content = json.dumps(as_json(found), indent=1, allow_nan=False) + "\n"
        counts = {"candidates": len(taus.table), "curves": len(found.curves)}
        write_table_file(path, partial(Path.write_text, data=content, encoding="utf-8"), {**made, "counts": counts})
        run.replace_metrics(key_numbers(found))
        run.flush()
    print(as_text(found, f"{run.title} on {source.name}; working points: {origin}"))
    print(path)
    return path


def key_numbers(performance: Performance) -> dict[str, float]:
    """Return areas and misidentification at working points, as metrics by which MLflow sorts runs."""
    found: dict[str, float] = {}
    for curve in performance.curves:
        if curve.disturbance:
            continue
        place = f"pt{curve.bin.pt[0]:g}-{curve.bin.pt[1]:g}"
        if len({one.bin.abs_eta for one in performance.curves}) > 1:
            place += f"_eta{curve.bin.abs_eta[0]:g}-{curve.bin.abs_eta[1]:g}"
        if len({one.bin.decay_modes for one in performance.curves}) > 1:
            place += f"_dm{'-'.join(map(str, curve.bin.decay_modes))}"
        if curve.auc is not None:
            found[f"performance/auc_{curve.background}_{place}"] = curve.auc.value
        for number, name in enumerate(curve.points.names if curve.points is not None else ()):
            assert curve.points is not None
            found[f"performance/mis_id_{curve.background}_{metric_name(name)}_{place}"] = float(curve.points.mis_id[number])
    return found


def as_text(performance: Performance, title: str) -> str:
    """Return the areas under the curves and the working points as Markdown tables, one a bin."""
    lines = [f"Performance of {title}", ""]
    by_bin: dict[str, list[PerformanceCurve]] = {}
    for curve in performance.curves:
        by_bin.setdefault(str(curve.bin), []).append(curve)
    for place, curves in by_bin.items():
        lines += [f"{place[0].upper()}{place[1:]}:", "", *markdown([_AREAS, *map(_area, curves)]), ""]
        if points := [line for curve in curves if curve.points is not None for line in _points(curve, curve.points)]:
            lines += [*markdown([_POINTS, *points]), ""]
    lines += ["Intervals are 68 % Clopper-Pearson, on effective counts.", ""]
    lines += [f"EMPTY: {text}" for text in performance.empty]
    return "\n".join([*lines, *(f"WARNING: {text}" for text in performance.notes)])


_AREAS = ("against", "taus", "background", "AUC")
_POINTS = ("against", "working point", "threshold", "efficiency (%)", "mis-id (%)")


def _against(curve: PerformanceCurve) -> str:
    return f"{curve.background}, {curve.disturbance}" if curve.disturbance else curve.background


def _area(curve: PerformanceCurve) -> list[str]:
    counts = [str(curve.counts.get(name, "-")) for name in ("tau", curve.background)]
    return [_against(curve), *counts, "-" if curve.auc is None else f"{curve.auc:.4f}"]


def _points(curve: PerformanceCurve, points: Points) -> list[list[str]]:
    """Return a line a working point, the loosest first."""
    efficiency = (points.efficiency, points.efficiency_low, points.efficiency_high)
    mis_id = (points.mis_id, points.low, points.high)
    found = []
    for number in reversed(range(len(points.efficiency))):
        name = points.names[number] if points.names else str(number + 1)
        threshold = "-" if points.thresholds is None else f"{points.thresholds[number]:g}"
        cells = [_percent(*(float(values[number]) for values in side)) for side in (efficiency, mis_id)]
        found.append([_against(curve), name, threshold, *cells])
    return found


def _percent(value: float, low: float, high: float) -> str:
    return f"{100 * value:.3g} -{100 * (value - low):.2g} +{100 * (high - value):.2g}"
