"""The end of a command whose reader has gone: ``tauadv configs jet_nominal | head -1``."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["STATUS", "quiet_broken_pipes"]

STATUS = 141
"""Exit status: what a shell reports of a program that SIGPIPE ended."""


@contextmanager
def quiet_broken_pipes() -> Iterator[None]:
    """End the process without a message if nobody reads what it prints any more.

    Raises:
        SystemExit: nobody reads standard output or standard error.
        BrokenPipeError: another pipe broke, such as one to a worker.
    """
    try:
        try:
            yield
        finally:
            for stream in _streams():
                stream.flush()
    except BrokenPipeError as error:
        broken = [stream for stream in _streams() if _is_broken(stream)]
        if not broken:
            raise
        for stream in broken:
            _silence(stream)
        raise SystemExit(STATUS) from error


def _streams() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None and not stream.closed]


def _is_broken(stream: TextIO) -> bool:
    """Return whether a stream is a pipe that nobody reads any more."""
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except (OSError, ValueError):  # not a file of the system
        return False
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _silence(stream: TextIO) -> None:
    """Let the rest of the buffer go nowhere: Python writes it when it ends, and would report the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
