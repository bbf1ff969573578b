"""One writer an output: the second one hears who writes."""

from __future__ import annotations

import errno
import inspect
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from TauAdv.errors import InputError, InputWarning, OutputLockedError, WriteError
from TauAdv.io.atomic import make_parents
from TauAdv.io.full_disk import naming_output
from TauAdv.io.leftovers import remove_leftovers_of
from TauAdv.io.ownership import suggestion

__all__ = ["LONGEST_NAME", "lock_path", "locking", "output_lock"]

_Step = TypeVar("_Step", bound=Callable[..., Any])

LONGEST_NAME = 200
"""Bytes of the name of an output: 255 is the most, and hidden names while it is written are up to 52 longer."""

#: What file systems without locks answer: none at all, no lock daemon, not for this kind of file.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


def lock_path(output: Path | str) -> Path:
    """Return the file that is locked while ``output`` is written; it is there only as long.

    Raises:
        InputError: if ``output`` is the root of the file system, which has no name, or its name is too long.
    """
    output = Path(os.path.abspath(output))
    if not output.name:
        msg = f"{output}: is the root of the file system; give the output a name"
        raise InputError(msg)
    if (length := len(os.fsencode(output.name))) > LONGEST_NAME:
        msg = f"{output}: the name has {length} bytes; give one of at most {LONGEST_NAME}, longer ones are made beside it"
        raise InputError(msg)
    return output.with_name(f".{output.name}.lock")


@contextmanager
def output_lock(*outputs: Path | str, wait: bool = False) -> Iterator[None]:
    """Hold the locks of some outputs; what killed processes left of just these outputs is removed first.

    Take it before it is decided whether the outputs are to be made. A process that is killed loses its locks. Where the
    file system has no locks, a warning says so and a marker file takes their place.

    Args:
        outputs: files and folders to be written; the folders that they are in are made.
        wait: until another process has written them, rather than refuse.

    Raises:
        OutputLockedError: if another process writes one of them; says which, where and since when.
        WriteError: if the folder cannot be made or written.
    """
    paths = sorted({Path(os.path.abspath(output)) for output in outputs})
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_locked(path, wait=wait))
        for path in paths:
            remove_leftovers_of(path)
        yield


def locking(*outputs: str | Callable[[Mapping[str, Any]], Iterable[Path | str]]) -> Callable[[_Step], _Step]:
    """Decorate a step: it holds the locks of its outputs, from before it looks whether they are made until it ends.

    Args:
        outputs: names of the step's arguments that hold outputs, or functions from its arguments by name to outputs.

    Example:
        >>> @locking("output")
        ... def make(inputs, output): ...
    """

    def decorate(step: _Step) -> _Step:
        signature = inspect.signature(step)

        @wraps(step)
        def locked(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            paths = [path for one in outputs for path in ([given[one]] if isinstance(one, str) else one(given))]
            with output_lock(*paths):
                return step(*args, **kwargs)

        return cast("_Step", locked)

    return decorate


@contextmanager
def _locked(output: Path, *, wait: bool) -> Iterator[None]:
    path = lock_path(output)
    if output.exists() and not os.access(output.parent, os.W_OK):
        yield  # nothing can be written, but what is there may be what is asked for
        return
    with _parents(output):
        with _naming(output, path):
            lock = _native(output, path, wait) or _marker(output, path, wait)
        try:
            yield
        finally:
            if isinstance(lock, FileLock):
                path.unlink(missing_ok=True)  # while it is held: who waits for it finds it gone, and takes a new one
            lock.release()


@contextmanager
def _parents(output: Path) -> Iterator[None]:
    """Make the folders that an output is to be in; those of them that nothing came into are removed again."""
    missing = [folder for folder in output.parents if not folder.exists()]
    with naming_output(output):
        make_parents(output)
    try:
        yield
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def _native(output: Path, path: Path, wait: bool) -> BaseFileLock | None:
    """Return the lock of the file system, held; ``None`` where it has none."""
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        _require_creatable(path)
        holder = _holder(path)
        msg = f"{output}: is being written by {holder}; {suggestion(output, 'wait until it ends')}"
        raise OutputLockedError(msg, holder) from error
    except OSError as error:
        if error.errno in _NO_LOCKS:
            path.unlink(missing_ok=True)  # nobody can hold it
            return None
        raise
    with suppress(OSError):  # the lock holds without it, also on a full disk
        _say_who(path)
    return lock


def _require_creatable(path: Path) -> None:
    """Raise what a file system answers that makes no files, such as ``/proc``: filelock calls that a held lock."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        path.unlink()  # its holder ended meanwhile


def _marker(output: Path, path: Path, wait: bool) -> BaseFileLock:
    """Return the marker that takes the place of a lock, held. One of a process that died on this computer does not count."""
    path = path.with_suffix(".writing")
    msg = f"{output.parent}: this file system has no locks; the marker {path.name} says that {output.name} is being written"
    warnings.warn(msg, InputWarning, stacklevel=2)
    lock = SoftFileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout as error:
        holder = _marked(path)
        msg = f"{output}: is being written by {holder}; wait until it ends, or remove {path} if that process is gone"
        raise OutputLockedError(msg, holder) from error
    return lock


@contextmanager
def _naming(output: Path, lock: Path) -> Iterator[None]:
    """Name the output if its lock cannot be made."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP or lock.is_symlink():
            msg = f"{output}: cannot be locked: {lock} is a link, which is not followed; remove it"
        else:
            msg = f"{output}: cannot be written: {os.strerror(error.errno or 0)}; choose another folder"
        raise WriteError(error.errno, msg) from error


def _say_who(path: Path) -> None:
    who = {
        "process": os.getpid(),
        "host": platform.node(),
        "command": " ".join(" ".join(sys.argv).split())[:200],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(who, file)


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f"process {who['process']} on {who['host']} since {who['since']} ({who['command']})"[:400]
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"


def _marked(path: Path) -> str:
    try:
        process, host, *_ = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return "another process"
    return f"process {process} on {host}"
