"""Options that several commands have, worded alike."""

from __future__ import annotations

from argparse import ArgumentParser

from TauAdv.cli.options import count, path

__all__ = [
    "add_allow_duplicates",
    "add_config",
    "add_n_workers",
    "add_overrides",
    "add_overwrite",
    "add_switch",
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
