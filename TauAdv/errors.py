"""The errors that a user can mend, and the warnings that a user should know."""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "InputError",
    "InputWarning",
    "OutputExistsError",
    "OutputLockedError",
    "TauAdvError",
    "WriteError",
    "first_line",
    "message_of",
    "nearest",
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


def nearest(name: str, known: list[str] | tuple[str, ...], cutoff: float = 0.6) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name closest to ``name``, or an empty string.

    Names that differ in capital letters only are the closest; ``cutoff``: how alike others must be, from 0 to 1.
    """
    from difflib import get_close_matches

    lower: dict[str, list[str]] = {}
    for entry in known:
        lower.setdefault(entry.lower(), []).append(entry)
    found = get_close_matches(name.lower(), list(lower), n=1, cutoff=cutoff)
    if not found:
        return ""
    (best,) = get_close_matches(name, lower[found[0]], n=1, cutoff=0.0)
    return f" (did you mean '{best}'?)"


def message_of(error: BaseException) -> str:
    """Return what an error of another library says, or its kind if it says nothing.

    Some make their message when it is asked for: uproot shows the object that it was reading, and one that damaged bytes
    put into itself is shown without end.
    """
    try:
        return str(error) or type(error).__name__
    except Exception:  # RecursionError, most of all
        return type(error).__name__


def first_line(error: BaseException, size: int = 200) -> str:
    """Return the first line of what an error of another library says, cut where it is long (see :func:`message_of`)."""
    said = next((line.strip() for line in message_of(error).splitlines() if line.strip()), type(error).__name__)
    return said if len(said) <= size else f"{said[:size]}..."


def shortened(text: object, size: int = 60) -> str:
    """Return ``text`` as a part of one line: at most ``size`` characters of it, and escaped what cannot be printed."""
    shown = str(text)
    if len(shown) > size:
        tail = size // 3
        shown = f"{shown[: size - tail - 3]}...{shown[-tail:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)
