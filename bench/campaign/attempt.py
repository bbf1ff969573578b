"""One run of a script in a process of its own, with a fault, a time limit, and what came of it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign import faults

__all__ = ["REPOSITORY", "Attempt", "Fault", "Process", "call", "main_of", "run", "start"]

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 300.0
#: Status of a function that raised what a user should never see.
TRACEBACK = 70


@dataclass(frozen=True)
class Fault:
    """What happens to an attempt: at the ``at``-th file operation under ``folder``, or after some seconds."""

    kind: int
    at: int = 0
    folder: Path | None = None
    after_seconds: float | None = None


@dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes:
        status: exit status; negative: the signal.
        text: what it printed.
        operations: file operations counted, of an attempt that ended by itself.
        seconds: how long it took.
        hung: whether it had to be ended.
    """

    status: int
    text: str
    operations: int
    seconds: float
    hung: bool

    @property
    def traceback(self) -> bool:
        """Whether the user saw one, or the interpreter crashed."""
        crashed = self.status < 0 and self.status != -signal.SIGKILL
        return "Traceback (most recent call last)" in self.text or crashed


class Process:
    """A forked process that runs a function with its output in a file."""

    def __init__(self, function: Callable[[], Any], fault: Fault | None = None) -> None:
        self.began, self.hung = time.monotonic(), False
        self.kill_at = None if fault is None else fault.after_seconds
        descriptor, self.output = tempfile.mkstemp(prefix="tauadv_attempt_")
        self.counts, counts = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.process = os.fork()
        if self.process == 0:
            os.setsid()
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            _child(function, fault, counts)
        os.close(descriptor)
        os.close(counts)

    def wait(self, limit: float = LONGEST_SECONDS) -> Attempt:
        """Wait for the end, kill it at its time, after ``limit`` seconds, or when this process is interrupted."""
        try:
            while (attempt := self.poll(limit)) is None:
                time.sleep(0.005)
        except BaseException:
            self.kill()
            raise
        return attempt

    def kill(self) -> None:
        """End the process and those that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)

    def poll(self, limit: float = LONGEST_SECONDS) -> Attempt | None:
        """Return what came of it, once it has ended; kill it at its time, or after ``limit`` seconds."""
        ended, code = os.waitpid(self.process, os.WNOHANG)
        if ended:
            return self._attempt(os.waitstatus_to_exitcode(code))
        passed = time.monotonic() - self.began
        if self.kill_at is not None and passed > self.kill_at:
            os.kill(self.process, signal.SIGKILL)
            self.kill_at = None
        if passed > limit:
            self.hung = True
            self.kill()
        return None

    def _attempt(self, status: int) -> Attempt:
        with os.fdopen(self.counts) as pipe:
            operations = int(pipe.read() or 0)
        text = Path(self.output).read_text(encoding="utf-8", errors="replace")
        os.unlink(self.output)
        return Attempt(status, text, operations, time.monotonic() - self.began, self.hung)


def _child(function: Callable[[], Any], fault: Fault | None, counts: int) -> None:
    status = 0
    try:
        if fault is not None and fault.folder is not None:
            faults.arm(fault.folder, fault.at, fault.kind)
        function()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = TRACEBACK
    finally:
        if fault is not None and fault.folder is not None:
            os.write(counts, str(faults.counted()).encode())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main_of(script: str, arguments: list[str]) -> Callable[[], None]:
    """Return a function that does what ``python SCRIPT ARGUMENTS`` does."""

    def run_main() -> None:
        path = REPOSITORY / script
        sys.path.insert(0, str(path.parent))  # as Python does for a script
        sys.argv = [script, *arguments]
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main(arguments)

    return run_main


def start(script: str, arguments: list[str], fault: Fault | None = None) -> Process:
    """Start a script and return its process."""
    return Process(main_of(script, arguments), fault)


def run(script: str, arguments: list[str], fault: Fault | None = None, limit: float = LONGEST_SECONDS) -> Attempt:
    """Run a script to its end."""
    return start(script, arguments, fault).wait(limit)


def call(function: Callable[[], Any], limit: float = LONGEST_SECONDS) -> Attempt:
    """Run a function in a process of its own."""
    return Process(function).wait(limit)
