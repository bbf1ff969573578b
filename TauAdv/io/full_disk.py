"""Errors of a full disk, whatever library raises them: recognised, and named after the output."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from TauAdv.errors import TauAdvError, WriteError, message_of

__all__ = ["naming_output", "reason_of"]

_NO_ROOM = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EFBIG: "raise the limit (ulimit -f)",
}
_NO_PLACE = {
    errno.EIO: "check the disk",
    errno.EROFS: "choose another folder",
    errno.EACCES: "choose another folder, or change its permissions",
    errno.EPERM: "choose another folder, or change its permissions",
    errno.ENOENT: "check its folder",
    errno.ENOTDIR: "choose another folder",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "choose another folder",
    errno.ESTALE: "check the file system",
}
#: HDF5, TensorFlow and SQLite raise errors of their own, which say the reason as text only.
_TEXTS = (
    (re.compile(r"no space left on device|errno = 28\b|database or disk is full", re.IGNORECASE), errno.ENOSPC),
    (re.compile(r"disk quota exceeded|errno = 122\b", re.IGNORECASE), errno.EDQUOT),
    (re.compile(r"file too large|errno = 27\b", re.IGNORECASE), errno.EFBIG),
)


def reason_of(error: BaseException) -> int | None:
    """Return the ``errno`` of the full disk that an error is due to; ``None`` if it has another cause.

    Looks into the errors that it was raised from, and into the texts of those that are no ``OSError``.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        number = current.errno if isinstance(current, OSError) else None
        if number in _NO_ROOM:
            return number
        if number is None and (said := _said(current)) is not None:
            return said
        current = current.__cause__ or current.__context__
    return None


def _said(error: BaseException) -> int | None:
    if isinstance(error, TauAdvError):  # our own texts may speak of anything
        return None
    text = message_of(error)[:2000]
    return next((number for pattern, number in _TEXTS if pattern.search(text)), None)


@contextmanager
def naming_output(path: Path, *temporaries: Path) -> Iterator[None]:
    """Raise errors of a full disk, or of a place that cannot be written, as a :class:`WriteError` that names ``path``.

    Args:
        path: the output.
        temporaries: what is written instead of it, until it is renamed.
    """
    try:
        yield
    except WriteError as error:
        if not _is_within(error.filename, temporaries):
            raise
        raise _write_error(error.errno or errno.EIO, path) from error  # users do not know the hidden names
    except Exception as error:
        number = reason_of(error)
        if number is None and isinstance(error, OSError) and _concerns(error, path, temporaries):
            number = error.errno
        if number is None:
            raise
        raise _write_error(number, path) from error


def _write_error(number: int, path: Path) -> WriteError:
    suggestion = (_NO_ROOM | _NO_PLACE)[number]
    msg = f"{path}: cannot be written: {os.strerror(number)}; nothing was left there; {suggestion} and repeat"
    return WriteError(number, msg, str(path))


def _is_within(name: str | None, temporaries: tuple[Path, ...]) -> bool:
    """Say whether a name is that of one of the temporary folders, or of a file in it."""
    if name is None:
        return False
    path = Path(os.path.abspath(name))
    return any(path.is_relative_to(os.path.abspath(temporary)) for temporary in temporaries)


def _concerns(error: OSError, path: Path, temporaries: tuple[Path, ...]) -> bool:
    """Say whether an error is about the place of an output, rather than an input that is read meanwhile."""
    if error.errno not in _NO_PLACE or error.filename is None:
        return False
    names = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    places = (path, path.parent, *temporaries)
    return any(name in places or set(temporaries) & set(name.parents) or name in path.parents for name in names)
