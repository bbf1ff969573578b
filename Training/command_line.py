"""The command line that all trainings share."""

import argparse

from TauAdv.config.options import path
from TauAdv.errors import ConfigError


def parse(description: str | None, argv: list[str] | None) -> argparse.Namespace:
    """Return the command line of a training: ``config`` or ``resume``, ``mlpath``, ``dry_run`` and ``overrides``.

    Args:
        description: text of ``--help``; a script's ``__doc__``.
        argv: words of the command line; ``None``: of this process.

    Raises:
        ConfigError: unless exactly one of ``--config`` and ``--resume`` is given.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", metavar="FILE", type=path, help="YAML file of settings")
    parser.add_argument("--resume", metavar="RUN_ID", help="go on with this run, with its own settings")
    parser.add_argument(
        "--mlpath", default="mlruns", type=path, help="with --resume: the run's folder mlruns/EXPERIMENT_ID, or mlruns"
    )
    parser.add_argument("--dry-run", action="store_true", help="print merged settings, inputs and network, and stop")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over those of the file")
    arguments = parser.parse_intermixed_args(argv)
    if (arguments.config is None) == (arguments.resume is None):
        msg = "give --config FILE for a new run, or --resume RUN_ID to go on with one"
        raise ConfigError(msg)
    return arguments
