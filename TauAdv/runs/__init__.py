"""Runs of training and evaluation, kept with MLflow: their files, their parameters and metrics, and the store of all.

A folder ``mlruns`` holds the SQLite store ``mlflow.db`` and, per run, ``<experiment id>/<run id>/artifacts``. Artifacts are
found by their place relative to that folder, so it can be moved or copied as a whole.
"""

from TauAdv.runs.database import DATABASE
from TauAdv.runs.run import Run
from TauAdv.runs.store import (
    experiment_of,
    find_run,
    find_runs,
    has_runs,
    list_runs,
    lock_run,
    reopened,
    resume_run,
    start_run,
)

__all__ = [
    "DATABASE",
    "Run",
    "experiment_of",
    "find_run",
    "find_runs",
    "has_runs",
    "list_runs",
    "lock_run",
    "reopened",
    "resume_run",
    "start_run",
]
