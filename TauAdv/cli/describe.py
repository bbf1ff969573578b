"""The page of documentation that lists all commands with their options, from the parsers themselves."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from TauAdv.cli.main import COMMANDS, command_parser
from TauAdv.commands import SCRIPTS

__all__ = ["describe_commands", "refresh"]

_BEGINNING = """# Commands

`tauadv COMMAND --help` shows the options of a command; `python -m TauAdv COMMAND` is the same. The scripts of a checkout
do what the command beside them does, with the same options; `-` and `_` in the names of options are the same
(`--n-tau`, `--n_tau`). `--config` takes a YAML file, or the name of a configuration of the package (`tauadv configs`).
Words `key=value` change single settings, and may stand anywhere among the options.
Nothing that is given is dropped: an option of several values may come again, and all its values count; an option of a
single value, or a key, that comes twice is refused.
"""


def describe_commands() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_BEGINNING, *(line for name in COMMANDS for line in _section(name))])


def refresh(page: Path | str) -> None:
    """Write the page anew."""
    from TauAdv.io.atomic import write_text

    write_text(page, describe_commands())


def _section(name: str) -> Iterator[str]:
    module = import_module(f"TauAdv.cli.{COMMANDS[name]}")
    parser = command_parser(module, f"tauadv {name}")
    title, _, rest = str(parser.description).partition("\n")
    scripts = [f"`{path}`" for key, path in SCRIPTS.items() if key == name or key.startswith(f"{name} ")]
    yield f"## tauadv {name}\n"
    yield title + (f" Script: {', '.join(scripts)}." if scripts else "") + "\n"
    if examples := [line.strip() for line in rest.splitlines() if line.startswith((" ", "tauadv"))]:
        yield "\n".join(f"    {line}" for line in examples) + "\n"
    yield "| option | |\n|---|---|"
    yield from _rows(parser)
    yield ""


def _rows(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if "--help" not in action.option_strings:
            text = (action.help or "").replace("|", "\\|")
            yield f"| {_name(action)} | {text}{' (required)' if action.required and action.option_strings else ''} |"


def _name(action: Action) -> str:
    value = action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper())
    if not action.option_strings:
        return f"`{value}`"
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} `{value}`".replace("|", "\\|")
