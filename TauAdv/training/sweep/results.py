"""The trainings of a sweep side by side: what varies, what became of each, its last metrics."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from TauAdv.runs import Run
from TauAdv.runs.layout import SWEEP_RESULTS
from TauAdv.training.sweep.settings import Sweep

__all__ = ["result_rows", "table_lines", "write_results"]


def result_rows(sweep: Sweep, runs: Mapping[int, Run], failed: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return one row for each training: number, run, status, what varies, and metrics of the last epoch.

    Args:
        sweep: the trainings.
        runs: their runs, by number from 1.
        failed: errors of those that failed.
    """
    rows = []
    for number, values in enumerate(sweep.values, 1):
        run = runs.get(number)
        status = "FAILED" if number in failed else "not started" if run is None else run.status
        row = {"training": number, "run": "" if run is None else run.id, "status": status, **values}
        metrics = {} if run is None else {name: value for name, value in sorted(run.metrics.items()) if "/" not in name}
        rows.append(row | metrics)
    return rows


def write_results(parent: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows to ``results.csv`` and ``results.json`` of the run of the sweep."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    parent.log_text(text.getvalue(), f"{SWEEP_RESULTS}.csv")
    parent.log_text(json.dumps(rows, indent=1) + "\n", f"{SWEEP_RESULTS}.json")


def table_lines(sweep: Sweep, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the rows as a table for the console: with losses, accuracies and the metrics of the methods."""
    methods = [name for settings in sweep.trainings for method in settings.methods for name in method.metrics]
    metrics = [name for metric in ("loss", "accuracy", *methods) for name in (metric, f"val_{metric}")]
    shown = [name for name in dict.fromkeys(metrics) if any(name in row for row in rows)]
    columns = ["training", *sweep.varied, "status", *shown, "run"]
    cells = [columns, *([_cell(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
