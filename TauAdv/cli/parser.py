"""The parser of all commands: mistakes are one line, and no word that was given is dropped."""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import Any, NoReturn

from TauAdv.errors import nearest, shortened

__all__ = ["Parser"]


_OPTION = re.compile(r"--?[A-Za-z][\w-]+")


class Parser(ArgumentParser):
    """Says in one line what is wrong with the words of a command, where argparse also prints its usage.

    An option of several values may come again: all values count. An option of a single value may come once.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of ``argparse.ArgumentParser``; the lines of the description stay as they are."""
        super().__init__(**{"formatter_class": RawDescriptionHelpFormatter} | options)
        for name in (None, "store"):
            self.register("action", name, _Store)

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options, after a check that there are such; argparse first says which others are missing."""
        for word in [] if args is None else args:
            if word == "--":
                break
            self._require_option(word)
        return super().parse_known_intermixed_args(args, namespace)

    def _require_option(self, word: str) -> None:
        name = word.partition("=")[0]
        if not _OPTION.fullmatch(name) or any(known.startswith(name) for known in self._option_string_actions):
            return
        known = [option for option in self._option_string_actions if option.startswith("--")]
        self.error(f"no option {name}{nearest(f'--{name.lstrip(chr(45))}', known)}")

    def error(self, message: str) -> NoReturn:
        """End with one line and exit status 2."""
        hint = "; a value that begins with - is written --OPTION=VALUE" if "expected one argument" in message else ""
        self.exit(2, f"error: {message}{hint}; see {self.prog} --help\n")


class _Store(Action):
    """Keeps the value of an option; that of argparse drops an earlier one without a word."""

    # of the command line that is being read, which is known by its namespace
    given: tuple[Namespace, Any] | None = None

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None) -> None:
        """Keep the value; values of a list are added to earlier ones."""
        if self.option_strings and self.given is not None and self.given[0] is namespace:
            values = self._together(parser, self.given[1], values)
        self.given = (namespace, values)
        setattr(namespace, self.dest, values)

    def _together(self, parser: ArgumentParser, first: Any, second: Any) -> Any:
        if self.nargs == "+":
            return [*first, *second]
        values = " and with ".join(repr(shortened(_shown(value))) for value in (first, second))
        return parser.error(f"{'/'.join(self.option_strings)} comes twice, with {values}; give it once")


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
