"""Worker processes that die with the process that started them, whatever kills it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context, parent_process
from typing import Any

from TauAdv.errors import TauAdvError

__all__ = ["WorkerKilledError", "die_with_parent", "worker_pool"]

_PR_SET_PDEATHSIG = 1
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerKilledError(TauAdvError):
    """A worker process was killed: by the system for want of memory, or by hand."""


@contextmanager
def worker_pool(number: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes, started afresh ("spawn"); work that has not begun is dropped if the block raises.

    If this process dies, by SIGKILL too, so do they. Each computes in one thread, unless the environment says otherwise.

    Raises:
        WorkerKilledError: if one of them was killed.
    """
    with (
        _one_thread_each(),
        ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_watch_parent) as pool,
    ):
        try:
            yield pool
        except BrokenProcessPool as error:
            msg = (
                f"one of {number} worker processes was killed, perhaps for want of memory; nothing half-written was left; "
                "repeat with fewer workers"
            )
            raise WorkerKilledError(msg) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile compute in one thread: those of several would wait for each other's turn."""
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def die_with_parent(parent: int) -> Callable[[], None]:
    """Return what a child of the process ``parent`` calls to be killed with it (Linux; nothing elsewhere).

    It may be given to ``subprocess`` as ``preexec_fn``; the thread that starts the child must live as long.
    """
    prctl = _prctl()

    def call() -> None:
        if prctl is None:
            return
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before
            os._exit(1)

    return call


@cache
def _prctl() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None, use_errno=True).prctl


def _watch_parent() -> None:
    """Tie a worker to its parent: by the kernel where it can, and by a thread that waits for the parent's end."""
    parent: Any = parent_process()
    die_with_parent(parent.pid)()

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="watch parent", daemon=True).start()
