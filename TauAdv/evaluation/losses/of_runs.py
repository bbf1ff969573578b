"""Loss history and loss surface of runs: finds runs, models and sets, and says where the plots belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from TauAdv.errors import InputError
from TauAdv.evaluation.losses.history import loss_history
from TauAdv.evaluation.losses.surface import LossSurface, loss_surface
from TauAdv.evaluation.predictions.tables import load_run_model
from TauAdv.runs import Run, find_run
from TauAdv.shards.store import ShardSet

__all__ = ["history_of_runs", "plots_folder", "surface_of_run"]


def plots_folder(mlpath: Path | str, run_id: str) -> Path:
    """Return the folder ``plots`` in the artifacts of a run.

    Raises:
        InputError: unknown run.
    """
    return find_run(mlpath, run_id).artifacts / "plots"


def history_of_runs(mlpath: Path | str, run_ids: Sequence[str], metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the losses per epoch of runs, as :func:`TauAdv.evaluation.losses.history.loss_history` does.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_ids: the runs.
        metrics: names; default: all with ``loss`` in their name.

    Raises:
        InputError: unknown run, the same run twice, a run that logged no loss, or not a metric that was asked for.
    """
    if repeated := [run_id for run_id, count in Counter(run_ids).items() if count > 1]:
        msg = f"run {repeated[0]} is given twice: its lines would lie on each other; give each run once"
        raise InputError(msg)
    return loss_history(_labelled([find_run(mlpath, run_id) for run_id in run_ids]), metrics)


def surface_of_run(
    mlpath: Path | str, run_id: str, test: Path | str, inputs: Sequence[str], *, row: int = 0, **shape: float
) -> LossSurface:
    """Return the loss of one jet over two of its inputs, read by the model of a run.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_id: run whose model is asked.
        test: set that holds the jet.
        inputs: names of the two inputs.
        row: number of the jet in the set.
        shape: ``width``, ``points``, ``eps`` of :func:`TauAdv.evaluation.losses.surface.loss_surface`.

    Raises:
        InputError: unknown run, a run without model, a set of another feature table; as ``loss_surface``.
    """
    shards = ShardSet.open(test)
    model = load_run_model(find_run(mlpath, run_id), shards)
    return loss_surface(model, shards, (inputs[0], inputs[1]), row=row, **shape)  # type: ignore[arg-type]


def _labelled(runs: Sequence[Run]) -> dict[str, Run]:
    """Return label -> run: its name where that tells them apart."""
    names = [run.name for run in runs]
    return {run.name if names.count(run.name) == 1 else f"{run.name} {run.id[:6]}": run for run in runs}
