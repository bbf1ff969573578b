"""What a comparison leaves in the runs it compared: key numbers as metrics, by which MLflow sorts, and the report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

from TauAdv.evaluation.adaptation.results import RunComparison, key_numbers
from TauAdv.io.atomic import new_folder
from TauAdv.io.ownership import require_own_files
from TauAdv.runs import Run
from TauAdv.runs.layout import COMPARISON

__all__ = ["log_metrics", "log_report", "require_loggable"]


def require_loggable(runs: Iterable[Run]) -> None:
    """Check, before hours of work, that results can be logged to runs.

    Raises:
        InputError: a run is in a store that is only read, or whose database cannot be written.
        OutputExistsError: files that are not of a report are where it is to go.
        WriteError: the folder of its files cannot be written.
    """
    for run in runs:
        run.require_writable(COMPARISON)
        require_own_files(run.artifacts / COMPARISON, of="the report")


def log_metrics(comparison: RunComparison) -> None:
    """Log the key numbers of each run instead of earlier ones; those that are not known (NaN) are left out."""
    for entry in comparison.entries:
        for label, run in entry.runs.items():
            found = key_numbers(comparison.results[label], comparison.settings)
            run.replace_metrics({name: value for name, value in found.items() if math.isfinite(value)})


def log_report(comparison: RunComparison, folder: Path) -> None:
    """Copy the report into the artifacts of each run, instead of one of an earlier comparison."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for run in (run for entry in comparison.entries for run in entry.runs.values()):
        with new_folder(run.artifacts / COMPARISON) as temporary:
            for file in files:
                copied = temporary / file.relative_to(folder)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copyfile(file, copied)
