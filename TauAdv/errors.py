"""The errors that a user can mend, the warnings that a user should know, and how scripts show them."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

__all__ = [
    "ConfigError",
    "InputError",
    "InputWarning",
    "OutputExistsError",
    "OutputLockedError",
    "TauAdvError",
    "WriteError",
    "nearest",
    "report_errors",
    "shortened",
]


class TauAdvError(Exception):
    """Base of every error whose cause is outside the code: the message says what to change."""


class InputError(TauAdvError, ValueError):
    """A file, branch, histogram or value is not what the step needs."""


class ConfigError(TauAdvError, ValueError):
    """A setting is unknown, of the wrong type or contradicts another one."""


class OutputExistsError(TauAdvError, FileExistsError):
    """The output is already there and was made with other settings or inputs."""


class OutputLockedError(TauAdvError):
    """Another process is writing the same output.

    Attributes:
        holder: which process.
    """

    def __init__(self, message: str, holder: str = "another process") -> None:
        super().__init__(message)
        self.holder = holder


class WriteError(TauAdvError, OSError):
    """An output cannot be written: no space left, a read-only file system, no locks."""

    def __str__(self) -> str:
        return str(self.args[-1])


class InputWarning(UserWarning):
    """The inputs are not what one would expect; the step does what it can, and says so."""


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name closest to ``name``, or an empty string.

    Names that differ in capital letters only are the closest.
    """
    from difflib import get_close_matches

    lower: dict[str, list[str]] = {}
    for entry in known:
        lower.setdefault(entry.lower(), []).append(entry)
    found = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    if not found:
        return ""
    (best,) = get_close_matches(name, lower[found[0]], n=1, cutoff=0.0)
    return f" (did you mean '{best}'?)"


def shortened(text: object, size: int = 60) -> str:
    """Return ``text`` as a part of one line: at most ``size`` characters of it, and escaped what cannot be printed."""
    shown = str(text)
    if len(shown) > size:
        tail = size // 3
        shown = f"{shown[: size - tail - 3]}...{shown[-tail:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def report_errors(main: Callable[..., None]) -> Callable[..., None]:
    """Decorate a script's ``main``: a :class:`TauAdvError` becomes one message on stderr and exit status 2.

    An :class:`InputWarning` becomes one line there. Ctrl-C ends with status 130, without a traceback. Blank words of the
    command line, which ``main`` gets as its argument (or reads itself), are refused before anything else. If nobody reads
    its output any more (``| head``), it ends quietly.
    """

    @wraps(main)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from TauAdv.io.broken_pipes import quiet_broken_pipes

        with quiet_broken_pipes():
            reported(*args, **kwargs)

    def reported(*args: Any, **kwargs: Any) -> None:
        from TauAdv.config.words import require_words  # built on this module

        try:
            with _plain_warnings():
                require_words(sys.argv[1:] if not args or args[0] is None else args[0])
                main(*args, **kwargs)
        except TauAdvError as error:
            from TauAdv.config.paths import hint_of_names

            print(f"error: {error}{hint_of_names(str(error))}", file=sys.stderr)
            raise SystemExit(2) from error
        except BrokenPipeError:
            raise
        except OSError as error:  # no permission, no space left, not a folder ...
            from TauAdv.io.leftovers import with_final_names

            print(f"error: {with_final_names(str(error))}", file=sys.stderr)
            raise SystemExit(2) from error
        except KeyboardInterrupt as error:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from error
        except Exception as error:
            from TauAdv.io.full_disk import reason_of  # built on this module
            from TauAdv.io.leftovers import with_final_names

            if (number := reason_of(error)) is None:
                raise
            said = " ".join(with_final_names(str(error)).split())[:300]
            print(f"error: {os.strerror(number)}: {said}; free some space and repeat", file=sys.stderr)
            raise SystemExit(2) from error

    return wrapped


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show an :class:`InputWarning` as a line, without file and line of the code that issued it."""
    before = warnings.formatwarning

    def plain(message: Any, category: type[Warning], *where: Any, **more: Any) -> str:
        if issubclass(category, InputWarning):
            return f"warning: {message}\n"
        return before(message, category, *where, **more)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = before
