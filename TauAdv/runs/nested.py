"""Runs that belong to another one, as MLflow's page shows them: below it."""

from __future__ import annotations

from TauAdv.runs.run import Run
from TauAdv.runs.store import list_runs

__all__ = ["child_runs", "parent_tag"]

_PARENT = "mlflow.parentRunId"


def parent_tag(parent: Run) -> dict[str, str]:
    """Return the tag of a run that belongs to another one."""
    return {_PARENT: parent.id}


def child_runs(parent: Run) -> list[Run]:
    """Return the runs that belong to a run, newest first."""
    return [run for run in list_runs(parent.mlpath) if run.tags.get(_PARENT) == parent.id]
