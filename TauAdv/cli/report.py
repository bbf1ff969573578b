"""How commands show what a user can mend: one message on stderr, and the exit status."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from TauAdv.config.words import require_words
from TauAdv.errors import InputWarning, TauAdvError, message_of
from TauAdv.io.broken_pipes import quiet_broken_pipes
from TauAdv.io.full_disk import reason_of
from TauAdv.io.leftovers import with_final_names

__all__ = ["report_errors"]


def report_errors(main: Callable[..., None]) -> Callable[..., None]:
    """Decorate a script's ``main``: a :class:`TauAdvError` becomes one message on stderr and exit status 2.

    An :class:`InputWarning` becomes one line there. Ctrl-C ends with status 130, without a traceback. Blank words of the
    command line, which ``main`` gets as its argument (or reads itself), are refused before anything else. If nobody reads
    its output any more (``| head``), it ends quietly.
    """

    @wraps(main)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        with quiet_broken_pipes():
            reported(*args, **kwargs)

    def reported(*args: Any, **kwargs: Any) -> None:
        try:
            with _plain_warnings():
                require_words(sys.argv[1:] if not args or args[0] is None else args[0])
                main(*args, **kwargs)
        except TauAdvError as error:
            from TauAdv.config.paths import hint_of_names  # needs pydantic, which takes a tenth of a second

            print(f"error: {error}{hint_of_names(str(error))}", file=sys.stderr)
            raise SystemExit(2) from error
        except BrokenPipeError:
            raise
        except OSError as error:  # no permission, no space left, not a folder ...
            print(f"error: {_described(error)}", file=sys.stderr)
            raise SystemExit(2) from error
        except KeyboardInterrupt as error:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from error
        except Exception as error:
            if (number := reason_of(error)) is None:
                raise
            said = " ".join(with_final_names(message_of(error)).split())[:300]
            print(f"error: {os.strerror(number)}: {said}; free some space and repeat", file=sys.stderr)
            raise SystemExit(2) from error

    return wrapped


def _described(error: OSError) -> str:
    """Return an error of the operating system, its file first; one that says itself what to do as it is."""
    if error.filename is None or isinstance(error, TauAdvError):
        return with_final_names(message_of(error))
    suggestion = "; give a shorter name" if error.errno == errno.ENAMETOOLONG else ""
    return f"{with_final_names(os.fsdecode(error.filename))}: {error.strerror}{suggestion}"


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
