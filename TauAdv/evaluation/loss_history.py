"""What a training logged at the end of every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from TauAdv.errors import InputError, nearest
from TauAdv.tracking import Run

__all__ = ["loss_history"]

_STEP_PREFIX = "step/"


def loss_history(runs: Mapping[str, Run], metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the columns run, metric, epoch, value of metrics per epoch.

    Args:
        runs: label -> run.
        metrics: names; default: all with ``loss`` in their name.

    Raises:
        InputError: a run that logged no epoch, or not a metric that was asked for.
    """
    rows = []
    for label, run in runs.items():
        known = sorted(name for name in run.metrics if not name.startswith(_STEP_PREFIX))
        listed = ", ".join(known) or "none"
        wanted = [name for name in known if "loss" in name] if metrics is None else list(metrics)
        for name in wanted:
            if name not in known:
                msg = f"run {run.id}: no metric '{name}' per epoch{nearest(name, known)}; there are {listed}"
                raise InputError(msg)
            rows += [
                {"run": label, "metric": name, "epoch": step, "value": value} for step, value in run.metric_history(name)
            ]
        if not wanted:
            msg = f"run {run.id} ({run.name}, {run.status}): logged no loss per epoch; metrics: {listed}"
            raise InputError(msg)
    return pd.DataFrame(rows)
