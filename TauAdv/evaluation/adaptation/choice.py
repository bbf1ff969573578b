"""Closure against cost of trainings that differ in the strength of the adversary: which strength to take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.trainings import k2_of, seed_of
from TauAdv.runs import Run, find_run
from TauAdv.training.sweep.record import runs_of
from TauAdv.training.sweep.settings import is_sweep

__all__ = ["by_strength", "choice_table"]


def choice_table(
    mlpath: Path | str, run_ids: Sequence[str], *, region: str = "top50", efficiency: float = 0.7
) -> pd.DataFrame:
    """Return what the comparison of runs logged to each of them, a row for each training.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_ids: trainings, or sweeps, which stand for their trainings.
        region: in which data/MC is taken: a part of the names of the metrics ``closure/rate_...``.
        efficiency: at which the misidentification of jets is taken.

    Returns:
        Columns run, k2, seed, rate (data/MC), off (its distance from 1), chi2_ndf, cost (misidentification of jets, relative
        to the reference of the comparison; NaN for the reference itself), mis_id.

    Raises:
        InputError: no runs, no such run, a run without k2, or one that was not compared.
    """
    runs = [run for run_id in run_ids for run in _trainings(find_run(mlpath, run_id))]
    if not runs:
        msg = "runs: expected trainings, or a sweep that has trainings; received none"
        raise InputError(msg)
    mis_id = f"price/mis_id_jet_{100 * efficiency:g}"
    wanted = {"rate": f"closure/rate_{region}", "chi2_ndf": f"closure/chi2_ndf_{region}", "mis_id": mis_id}
    rows = []
    for run in runs:
        metrics, k2 = run.metrics, k2_of(run)
        if missing := [name for name in wanted.values() if name not in metrics]:
            how = f"{command('compare')} {run.id} ..."
            msg = f"{run.title}: has no metric '{missing[0]}': compare it with the others first ({how})"
            raise InputError(msg)
        if k2 is None:
            msg = f"{run.title}: was not trained with a strength k2 of the adversary; leave it out"
            raise InputError(msg)
        found = {name: metrics[metric] for name, metric in wanted.items()}
        cost = metrics.get(f"{mis_id}_ratio", np.nan)
        rows.append({"run": run.id, "k2": k2, "seed": seed_of(run), **found, "off": abs(found["rate"] - 1), "cost": cost})
    return pd.DataFrame(rows).sort_values(["k2", "seed"], ignore_index=True)


def _trainings(run: Run) -> list[Run]:
    return list(runs_of(run).values()) if is_sweep(run) else [run]


def by_strength(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each k2: trainings, and mean and spread (NaN of one training) of off, chi2_ndf, cost, mis_id."""
    groups = table.groupby("k2")
    names = ["off", "chi2_ndf", "cost", "mis_id"]
    spread = groups[names].std(ddof=1).add_suffix("_spread")
    return pd.concat([groups.size().to_frame("trainings"), groups[names].mean(), spread], axis=1).reset_index()
