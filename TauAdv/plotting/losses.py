"""Plots of losses made from runs: history and surface, saved into the artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from TauAdv.plotting.looks import file_name
from TauAdv.plotting.style import save_figure
from TauAdv.plotting.surface import plot_surface
from TauAdv.plotting.trends import plot_history
from TauAdv.tracking import Run, find_run

__all__ = ["save_loss_history", "save_loss_surface"]


def save_loss_history(
    mlpath: Path | str, run_ids: Sequence[str], *, metrics: Sequence[str] | None = None, output: Path | None = None
) -> list[Path]:
    """Save the losses per epoch of runs; return the paths.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_ids: the runs.
        metrics: those to draw; default: ``loss`` and ``val_loss``, or what else there is.
        output: folder; default: ``plots`` in the artifacts of the first run.

    Raises:
        InputError: unknown run, a run that logged no loss, or not a metric that was asked for.
    """
    from TauAdv.evaluation.loss_history import loss_history

    runs = [find_run(mlpath, run_id) for run_id in run_ids]
    figure = plot_history(loss_history(_labelled(runs), metrics), metrics)
    return save_figure(figure, output or runs[0].artifacts / "plots", "loss_history")


def save_loss_surface(
    mlpath: Path | str,
    run_id: str,
    test: Path | str,
    inputs: Sequence[str],
    *,
    output: Path | None = None,
    row: int = 0,
    width: float = 1.0,
    points: int = 61,
    eps: float = 0.05,
) -> list[Path]:
    """Save the loss of one jet over two of its inputs; return the paths.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_id: run whose model is asked.
        test: set that holds the jet.
        inputs: names of the two inputs.
        output: folder; default: ``plots`` in the artifacts of the run.
        row: number of the jet in the set.
        width: reach to either side, in standard deviations.
        points: of the grid in each direction.
        eps: half width of the box of an attack, in standard deviations.

    Raises:
        InputError: unknown run, a run without model, a set of another feature table; as
            :func:`TauAdv.evaluation.loss_surface.loss_surface`.
    """
    from TauAdv.evaluation.loss_surface import loss_surface
    from TauAdv.evaluation.predictions import load_run_model
    from TauAdv.shards.store import ShardSet

    run, shards = find_run(mlpath, run_id), ShardSet.open(test)
    model = load_run_model(run, shards)
    surface = loss_surface(model, shards, (inputs[0], inputs[1]), row=row, width=width, points=points, eps=eps)
    name = file_name("loss_surface", *inputs, str(row))
    return save_figure(plot_surface(surface), output or run.artifacts / "plots", name)


def _labelled(runs: Sequence[Run]) -> dict[str, Run]:
    """Return label -> run: its name where that tells them apart."""
    names = [run.name for run in runs]
    return {run.name if names.count(run.name) == 1 else f"{run.name} {run.id[:6]}": run for run in runs}
