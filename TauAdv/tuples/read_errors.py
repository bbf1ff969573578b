"""What uproot and other libraries raise on a file that they cannot read, as errors that name the file and the fault.

uproot takes damaged bytes for lengths, types, offsets and compressed data, so that almost any exception may come out of it:
``struct.error``, ``KeyError``, ``RecursionError``, those of the compression libraries, ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from TauAdv.errors import InputError, TauAdvError, first_line

__all__ = ["reading"]


@contextmanager
def reading(path: Path | str, what: str = "") -> Iterator[None]:
    """Turn what the library of a format raises into an :class:`InputError` of one line.

    Keep the block to calls of that library: a mistake of ours would be called damage, too.

    Args:
        path: the file.
        what: the part of it that is read, for example ``"branch 'tau_pt'"``.
    """
    try:
        yield
    except TauAdvError:
        raise
    except Exception as error:
        msg = f"{path}: {what + ': ' if what else ''}{_explained(error)}"
        raise InputError(msg) from error


def _explained(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"cannot be read here: {first_line(error)}"
    if isinstance(error, NotImplementedError):
        return f"cannot be read here ({first_line(error)}); write it in a newer version or another format"
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"cannot be read ({error.strerror})"
    if isinstance(error, MemoryError):
        return f"asks for more memory than there is; it may be damaged ({first_line(error)})"
    return f"cannot be read, it may be damaged; make or copy it again ({type(error).__name__}: {first_line(error)})"
