"""Runs of training and evaluation: what the package uses of :mod:`TauAdv.runs`."""

from TauAdv.runs import (
    DATABASE,
    Run,
    experiment_of,
    find_run,
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
    "has_runs",
    "list_runs",
    "lock_run",
    "reopened",
    "resume_run",
    "start_run",
]
