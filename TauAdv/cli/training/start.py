"""Starting and resuming a training: what ``tauadv train``, ``tauadv resume`` and the three scripts share."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides
from TauAdv.commands import command
from TauAdv.errors import ConfigError

if TYPE_CHECKING:
    from TauAdv.training.settings.common import TrainingSettings
    from TauAdv.training.sweep.settings import Sweep

__all__ = [
    "add_dry_run",
    "add_mlpath",
    "add_script_options",
    "resume",
    "run_script",
    "settings_to_resume",
    "settings_to_start",
    "start",
]


def add_dry_run(parser: ArgumentParser) -> None:
    """Add ``--dry-run``."""
    parser.add_argument("--dry-run", action="store_true", help="print merged settings, inputs and network, and stop")


def add_mlpath(parser: ArgumentParser, what: str) -> None:
    """Add ``--mlpath``."""
    parser.add_argument("--mlpath", default="mlruns", type=path, help=what)


def add_script_options(parser: ArgumentParser) -> None:
    """Add the options of a training script."""
    add_config(parser)
    parser.add_argument("--resume", metavar="RUN_ID", help="resume this run, with its own settings")
    add_mlpath(parser, "with --resume: the run's folder mlruns/EXPERIMENT_ID, or mlruns")
    add_dry_run(parser)
    add_overrides(parser)


def run_script(name: str, options: Namespace, defaults: Mapping[str, str]) -> None:
    """Do what the options of a training script say.

    Args:
        name: of the command that the script stands for.
        options: of the command line.
        defaults: ``tagger`` and ``method`` of settings that do not name them.

    Raises:
        ConfigError: unless exactly one of ``--config`` and ``--resume`` is given, and if another script trains the tagger by
            this method.
    """
    if (options.config is None) == (options.resume is None):
        msg = "give --config FILE for a new run, or --resume RUN_ID to resume one"
        raise ConfigError(msg)
    if options.resume:
        resume(options.mlpath, options.resume, options.overrides, dry_run=options.dry_run, script=name)
    else:
        start(options.config, options.overrides, dry_run=options.dry_run, defaults=defaults, script=name)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage less often: TensorFlow makes many objects and keeps them, and the search takes a tenth of a start."""
    before = gc.get_threshold()
    gc.set_threshold(10_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def settings_to_start(
    config: Path | str, overrides: Sequence[str], defaults: Mapping[str, str] | None = None, script: str | None = None
) -> Sweep:
    """Return the settings of what a command starts; ``script``: the command of the script that was called.

    Raises:
        ConfigError: lists what is wrong with them; or another script trains the tagger by this method.
    """
    from TauAdv.training.sweep.settings import sweep_settings

    sweep = sweep_settings(config, overrides, defaults)
    for settings in sweep.trainings:
        _require_script(script, settings, str(config))
    return sweep


def settings_to_resume(mlpath: Path, run_id: str, overrides: Sequence[str], script: str | None = None) -> TrainingSettings:
    """Return the settings of a run that is resumed, of a sweep those of its first training; ``script``: as above.

    Raises:
        InputError: no such run.
        ConfigError: as above; or an override that a resumed run does not take.
    """
    from TauAdv.runs import find_run
    from TauAdv.training.settings.of_run import settings_of_run
    from TauAdv.training.sweep.record import read_sweep
    from TauAdv.training.sweep.settings import is_sweep

    if is_sweep(run := find_run(mlpath, run_id)):
        settings = read_sweep(run, overrides).trainings[0]
    else:
        settings = settings_of_run(mlpath, run_id, overrides)
    _require_script(script, settings, f"run {run_id}")
    return settings


@rare_collections()
def start(
    config: Path,
    overrides: Sequence[str],
    *,
    dry_run: bool,
    defaults: Mapping[str, str] | None = None,
    script: str | None = None,
) -> None:
    """Start a training, or a sweep of several; ``script``: the command of the script that was called."""
    sweep = settings_to_start(config, overrides, defaults, script)
    if not sweep.varied:
        _train(sweep.trainings[0], None, dry_run=dry_run)
        return
    print(sweep, flush=True)  # before the lines that TensorFlow prints when it is loaded
    from TauAdv.training.sweep.sweep import run_sweep

    run_sweep(sweep, dry_run=dry_run)


@rare_collections()
def resume(mlpath: Path, run_id: str, overrides: Sequence[str], *, dry_run: bool, script: str | None = None) -> None:
    """Resume a training, or do what is left of a sweep."""
    from TauAdv.runs import find_run
    from TauAdv.training.sweep.settings import is_sweep

    settings = settings_to_resume(mlpath, run_id, overrides, script)
    if is_sweep(run := find_run(mlpath, run_id)):
        from TauAdv.training.sweep.sweep import resume_sweep

        resume_sweep(run, overrides, dry_run=dry_run)
    else:
        _train(settings, run_id, dry_run=dry_run)


def _require_script(script: str | None, settings: Any, source: str) -> None:
    """Refuse a training by the script of another tagger, or of other methods."""
    if script is not None and script != settings.command:
        which = f"is a training of the tagger '{settings.tagger}' with method '{settings.method.kind}'"
        msg = f"{source}: {which}; this is for {command(settings.command)}"
        raise ConfigError(msg)


def _train(settings: Any, resumed: str | None, *, dry_run: bool) -> None:
    # TensorFlow takes seconds to load: after all checks of settings
    from TauAdv.training.run.train import train

    train(settings, resume=resumed, dry_run=dry_run)
