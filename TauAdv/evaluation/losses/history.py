"""What a training logged at the end of every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from TauAdv.config import read_yaml
from TauAdv.errors import InputError, nearest
from TauAdv.runs import Run
from TauAdv.runs.layout import STEP_METRICS, TRAINING
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.of_run import present_form

__all__ = ["loss_history"]


def loss_history(runs: Mapping[str, Run], metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the columns run, metric, epoch, value of metrics per epoch, and ``attacked``: trained on attacked inputs.

    Args:
        runs: label -> run.
        metrics: names; default: all with ``loss`` in their name.

    Raises:
        InputError: a run that logged no epoch, or not a metric that was asked for.
    """
    rows = []
    for label, run in runs.items():
        known = sorted(name for name in run.metrics if not name.startswith(STEP_METRICS))
        attacked = _trained_on_attacks(run)
        listed = ", ".join(known) or "none"
        wanted = [name for name in known if "loss" in name] if metrics is None else list(metrics)
        for name in wanted:
            if name not in known:
                msg = f"run {run.id}: no metric '{name}' per epoch{nearest(name, known)}; there are {listed}"
                raise InputError(msg)
            common = {"run": label, "metric": name, "attacked": attacked}
            rows += [common | {"epoch": step, "value": value} for step, value in run.metric_history(name)]
        if not wanted:
            msg = f"run {run.id} ({run.name}, {run.status}): logged no loss per epoch; metrics: {listed}"
            raise InputError(msg)
    return pd.DataFrame(rows)


def _trained_on_attacks(run: Run) -> bool:
    """Return whether a run attacked its training inputs; one that keeps no settings of a training did not."""
    has_settings = (run.artifacts / TRAINING).is_file()
    settings = read_yaml(run.require_file(TRAINING, "put a copy of it back")) if has_settings else {}
    attack = present_form(settings).get("attack")
    if not attack:
        return False
    return TrainingAttack(**{key: attack[key] for key in ("kind", "eps") if key in attack}).acts
