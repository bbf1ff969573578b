"""Starting and resuming a training: what ``tauadv train``, ``tauadv resume`` and the three scripts share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides
from TauAdv.errors import ConfigError

__all__ = ["add_dry_run", "add_mlpath", "add_script_options", "resume", "run_script", "start"]


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


def run_script(kind: str, options: Namespace) -> None:
    """Do what the options of a training script say.

    Raises:
        ConfigError: unless exactly one of ``--config`` and ``--resume`` is given.
    """
    if (options.config is None) == (options.resume is None):
        msg = "give --config FILE for a new run, or --resume RUN_ID to resume one"
        raise ConfigError(msg)
    if options.resume:
        resume(kind, options.mlpath, options.resume, options.overrides, dry_run=options.dry_run)
    else:
        start(kind, options.config, options.overrides, dry_run=options.dry_run)


def start(kind: str, config: Path, overrides: Sequence[str], *, dry_run: bool) -> None:
    """Start a training of a kind: ``classifier``, ``adversarial`` or ``jets``, the names of modules beside this one."""
    training = _training(kind)
    training.train(training.settings(config, overrides), resume=None, dry_run=dry_run)


def resume(kind: str, mlpath: Path, run_id: str, overrides: Sequence[str], *, dry_run: bool) -> None:
    """Resume a training of a kind."""
    training = _training(kind)
    training.train(training.settings_of_run(mlpath, run_id, overrides), resume=run_id, dry_run=dry_run)


def _training(kind: str) -> Any:
    return import_module(f"TauAdv.cli.training.{kind}")
