"""From the words of a command line to the command: ``tauadv COMMAND``, or a script of a checkout."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from TauAdv.cli.keras_extras import keras_without_extras
from TauAdv.cli.parser import Parser
from TauAdv.cli.report import report_errors
from TauAdv.commands import SCRIPTS, command_line, scripts_in_messages
from TauAdv.errors import ConfigError, nearest

__all__ = ["COMMANDS", "command_parser", "main", "script"]

COMMANDS = {
    "generate": "production.generate",
    "validate": "production.validate",
    "skim": "production.skim",
    "spectra": "production.spectra",
    "drop": "production.drop",
    "mix": "production.mix",
    "pt-weights": "production.pt_weights",
    "shards": "production.shards",
    "train": "training.train",
    "resume": "training.resume",
    "submit": "training.submit",
    "import-cms": "training.import_cms",
    "apply": "evaluation.apply",
    "compare": "evaluation.compare",
    "working-points": "evaluation.working_points",
    "performance": "evaluation.performance",
    "plot-roc": "evaluation.plot_roc",
    "scale-factors": "evaluation.scale_factors",
    "robustness": "evaluation.robustness",
    "plot-loss": "evaluation.plot_loss",
    "export": "evaluation.export",
    "runs": "evaluation.runs",
    "jets generate": "jets.generate",
    "jets validate": "jets.validate",
    "jets extract": "jets.extract",
    "jets prepare": "jets.prepare",
    "configs": "configs",
}
"""Command -> its module, in the order of the data flow."""

_GROUPS = {name.partition(" ")[0] for name in COMMANDS if " " in name}

_PLACEHOLDER = re.compile(r"\{([a-z -]+)\}")
_OPTION = re.compile(r"--[A-Za-z][\w-]*")


@report_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Do what the words behind ``tauadv`` say."""
    words = list(sys.argv[1:] if argv is None else argv)
    name, rest = _split_name(words)
    if name in COMMANDS:
        with scripts_in_messages(False):
            _run(name, COMMANDS[name], f"tauadv {name}", rest)
        return
    _answer(name, rest)


def script(name: str) -> Callable[..., None]:
    """Return the ``main`` of the script of a checkout that does a command.

    Args:
        name: of the command, a key of :data:`TauAdv.commands.SCRIPTS`.
    """
    module = f"training.{name.removeprefix('train ')}" if name.startswith("train ") else COMMANDS[name]

    @report_errors
    def run_script(argv: Sequence[str] | None = None) -> None:
        with scripts_in_messages(True):
            _run(name, module, Path(SCRIPTS[name]).name, list(sys.argv[1:] if argv is None else argv))

    return run_script


def _run(name: str, place: str, called: str, words: list[str]) -> None:
    module = import_module(f"TauAdv.cli.{place}")
    options = _parsed(module, called, words)
    with keras_without_extras():
        module.run(options)


def command_parser(module: Any, called: str) -> ArgumentParser:
    """Return the parser of a command.

    Args:
        module: of the command.
        called: how the user calls it, for the first words of its help.
    """
    text = _PLACEHOLDER.sub(lambda found: command_line(found[1]), module.__doc__)
    parser = Parser(prog=called, description=text)
    module.add_options(parser)
    if behind := getattr(module, "BEHIND", None):
        parser.usage = f"{parser.format_usage().removeprefix('usage: ').rstrip()} -- {behind}"
    return parser


def _parsed(module: Any, called: str, words: list[str]) -> Namespace:
    """Return the options of a command; ``behind`` are the words behind ``--``, where it takes some."""
    parser = command_parser(module, called)
    if hasattr(module, "BEHIND"):
        from TauAdv.batch.command_words import split_command

        words, behind = split_command(words)
        parser.set_defaults(behind=behind)
    return parser.parse_intermixed_args([_dashed(word) for word in words])


def _dashed(word: str) -> str:
    """Return a word with - instead of _ in the name of an option: ``--n_tau`` and ``--n-tau`` are the same."""
    name, separator, value = word.partition("=")
    return name.replace("_", "-") + separator + value if _OPTION.fullmatch(name) else word


def _split_name(words: list[str]) -> tuple[str, list[str]]:
    """Return the name of the command, which may be two words, and what follows."""
    if len(words) > 1 and words[0] in _GROUPS and not words[1].startswith("-"):
        return " ".join(words[:2]), words[2:]
    return (words[0], words[1:]) if words else ("", [])


def _answer(name: str, rest: list[str]) -> None:
    """Answer what is no command: help, version, or a mistake."""
    if name in {"-h", "--help", "help", *_GROUPS} and not [word for word in rest if word not in {"-h", "--help"}]:
        print(_help(f"{name} " if name in _GROUPS else ""))
        return
    if name == "--version":
        from TauAdv.version import __version__

        print(f"TauAdv {__version__}")
        return
    if not name:
        msg = "expected a command; tauadv --help lists them"
    else:
        msg = f"no command {name!r}{nearest(name, list(COMMANDS))}; tauadv --help lists them"
    raise ConfigError(msg)


def _help(beginning: str) -> str:
    """Return the list of commands, each with the first sentence of its text."""
    lines = ["usage: tauadv COMMAND [OPTION ...]", "", "Adversarial training of particle-physics taggers.", ""]
    for name, place in COMMANDS.items():
        if name.startswith(beginning):
            lines.append(f"  {name:15s} {_title(place)}")
    return "\n".join([*lines, "", "tauadv COMMAND --help shows the options of a command."])


def _title(place: str) -> str:
    return str(import_module(f"TauAdv.cli.{place}").__doc__).partition("\n")[0].partition(" (docs/")[0].rstrip(".")
