"""One writer an output: the second one hears who writes."""

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from TauAdv.errors import OutputLockedError, WriteError

__all__ = ["lock_path", "output_lock"]


def lock_path(output: Path | str) -> Path:
    """Return the file that is locked while ``output`` is written; it is there only as long."""
    output = Path(output)
    return output.with_name(f".{output.name}.lock")


@contextmanager
def output_lock(*outputs: Path | str) -> Iterator[None]:
    """Hold the locks of some outputs. A process that is killed loses them, whatever it leaves behind.

    Where the file system has no locks, a warning says so and a marker file takes their place.

    Raises:
        OutputLockedError: if another process writes one of them; says which, where and since when.
    """
    with ExitStack() as stack:
        for path in sorted({lock_path(Path(os.path.abspath(output))) for output in outputs}):
            stack.enter_context(_locked(path))
        yield


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            lock.acquire(timeout=0)
    except Timeout as error:
        output = path.with_name(path.name.removeprefix(".").removesuffix(".lock"))
        msg = f"{output}: is being written by {_holder(path)}; wait until it ends, or give another output name"
        raise OutputLockedError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be locked: {error.strerror}; choose a folder on another file system"
        raise WriteError(error.errno, msg) from error
    try:
        _say_who(path)
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for it finds that it is gone, and takes a new one
        lock.release()


def _say_who(path: Path) -> None:
    who = {
        "process": os.getpid(),
        "host": platform.node(),
        "command": " ".join(sys.argv)[:200],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(who, file)


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f"process {who['process']} on {who['host']} since {who['since']} ({who['command']})"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"
