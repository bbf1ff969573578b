"""Options that several commands have, worded alike."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import count, path
from TauAdv.errors import ConfigError

__all__ = [
    "add_allow_duplicates",
    "add_config",
    "add_n_workers",
    "add_overrides",
    "add_overwrite",
    "add_runs",
    "add_switch",
    "runs_and_overrides",
]


def add_config(parser: ArgumentParser, what: str = "YAML file of settings", *, required: bool = False) -> None:
    """Add ``--config``: a file, or the name of a shipped configuration."""
    parser.add_argument("--config", type=path, required=required, metavar="FILE", help=what)


def add_overrides(parser: ArgumentParser, what: str = "settings that win over those of the file") -> None:
    """Add the words ``key=value``."""
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=what)


def add_overwrite(parser: ArgumentParser, what: str) -> None:
    """Add ``--overwrite``."""
    parser.add_argument("--overwrite", action="store_true", help=what)


def add_switch(parser: ArgumentParser, name: str, what: str) -> None:
    """Add an option without a value, which sets a setting to true; ``None`` if it is not given."""
    parser.add_argument(name, action="store_true", default=None, help=what)


def add_allow_duplicates(parser: ArgumentParser, what: str = "take a file") -> None:
    """Add ``--allow-duplicates``."""
    add_switch(parser, "--allow-duplicates", f"{what} again that is given under another name, or as a copy")


def add_n_workers(parser: ArgumentParser) -> None:
    """Add ``--n-workers``."""
    parser.add_argument("--n-workers", type=count, default=1, help="worker processes (1)")


def add_runs(parser: ArgumentParser, what: str) -> None:
    """Add ``--mlpath`` and ``--expID`` of one or more runs."""
    parser.add_argument("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    parser.add_argument("--expID", required=True, nargs="+", metavar="RUN_ID", help=what)


def runs_and_overrides(options: Namespace) -> tuple[list[str], list[str]]:
    """Return the identifiers of runs, each once, and all words key=value: --expID takes those behind it for runs.

    Raises:
        ConfigError: no run, or one that is given twice.
    """
    runs = [word for word in options.expID if "=" not in word]
    if not runs or len(set(runs)) < len(runs):
        msg = f"--expID: expected identifiers of runs, each once; received {' '.join(options.expID)}"
        raise ConfigError(msg)
    return runs, [*options.overrides, *(word for word in options.expID if "=" in word)]
