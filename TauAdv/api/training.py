"""``ta.train``, ``ta.resume``: the same trainings as ``tauadv train`` and ``tauadv resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from TauAdv.arguments import checked
from TauAdv.commands import called_from_python
from TauAdv.config import given_once
from TauAdv.runs import Run, find_run
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.of_run import settings_of_run
from TauAdv.training.sweep.settings import is_sweep, sweep_settings

__all__ = ["resume", "train"]


@called_from_python()
@checked
def train(config: str | Path, *words: str, dry_run: bool = False, **settings: Any) -> Run | None:
    """Train a tagger of taus or of jets, as the settings say; return its run (``None`` after a dry run).

    With several values of a setting, ``seed=[1, 2, 3]`` or ``"seed=1,2,3"``, one training is done for each combination, and
    the run is that of the sweep, which keeps their results side by side.

    Args:
        config: YAML file, or the name of a shipped configuration.
        words: changes as on the command line, such as ``"attack.eps=0.03"``.
        dry_run: print settings, inputs and network, and stop.
        settings: changes by name or group, such as ``seed=2``, ``attack=None`` or ``schedule={"n_epochs": 2}``.

    Raises:
        ConfigError: lists everything that is wrong with the settings.
        InputError: the sets are not there or do not fit; or an argument is of another type.
    """
    unset = [f"{key}=null" for key, value in settings.items() if value is None]
    sweep = sweep_settings(config, given_once([*words, *unset], settings))
    if sweep.varied:
        print(sweep, flush=True)  # before the lines that TensorFlow prints when it is loaded
        from TauAdv.training.sweep.sweep import run_sweep

        return run_sweep(sweep, dry_run=dry_run)
    (chosen,) = sweep.trainings
    run_id = _train(chosen, None, dry_run=dry_run)
    return None if run_id is None else find_run(chosen.output.mlruns, run_id)


@called_from_python()
@checked
def resume(run: Run, *words: str, dry_run: bool = False) -> Run:
    """Resume a training that was interrupted, or let it train longer; or do what is left of a sweep.

    Args:
        run: the run (:func:`TauAdv.run`).
        words: changes as on the command line, such as ``"schedule.n_epochs=40"``.
        dry_run: print what would be done, and stop.

    Raises:
        ConfigError: a change that the steps would notice.
        OutputLockedError: another process trains it.
    """
    if is_sweep(run):
        from TauAdv.training.sweep.sweep import resume_sweep

        return resume_sweep(run, words, dry_run=dry_run)
    _train(settings_of_run(run.mlpath, run.id, words), run.id, dry_run=dry_run)
    return find_run(run.mlpath, run.id)


def _train(settings: TrainingSettings, resumed: str | None, *, dry_run: bool) -> str | None:
    # TensorFlow takes seconds to load: after all checks of settings
    from TauAdv.training.run.train import train as train_settings

    return train_settings(settings, resume=resumed, dry_run=dry_run)
