"""``ta.run``, ``ta.runs``: trainings that were recorded."""

from __future__ import annotations

from pathlib import Path

from TauAdv.arguments import checked
from TauAdv.runs import Run, find_run, list_runs

__all__ = ["run", "runs"]


@checked
def run(mlpath: str | Path, run_id: str) -> Run:
    """Return a run.

    Args:
        mlpath: folder ``mlruns``, or an experiment in it.
        run_id: identifier of the run.

    Raises:
        InputError: no runs there, or no such run (lists those that there are).
    """
    return find_run(mlpath, run_id)


@checked
def runs(mlpath: str | Path = "mlruns") -> list[Run]:
    """Return all runs in a folder ``mlruns``, or in an experiment in it.

    Raises:
        InputError: no runs there.
    """
    return list_runs(mlpath)
