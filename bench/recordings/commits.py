"""Recordings of commits, each made by the commit's own program with its own package.

Commits agree on the options ``--record``, ``--only`` and ``--jobs``, and on what :mod:`recordings.store` writes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from campaign.attempt import REPOSITORY

from recordings.store import RecordingError, read_description

__all__ = ["checkout", "commit_named", "recorded", "stop_recording"]

PROGRAM = "bench/regression.py"
_RUNNING: list[subprocess.Popen[bytes]] = []


def stop_recording() -> None:
    """End the recordings at work; they clear up."""
    for process in _RUNNING:
        if process.poll() is None:
            process.terminate()


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        msg = f"git {' '.join(words)}: {done.stderr.strip()}"
        raise RecordingError(msg)
    return done.stdout.strip()


def commit_named(name: str) -> str:
    """Return the full identifier of a commit.

    Raises:
        RecordingError: if there is none of that name, or it has no such program.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if not _git("ls-tree", commit, PROGRAM):
        msg = f"commit {commit[:12]} has no {PROGRAM}: compare with a later one"
        raise RecordingError(msg)
    return commit


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Give a temporary checkout of a commit."""
    with tempfile.TemporaryDirectory(prefix="tauadv_commit_", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary).resolve() / "checkout"
        _git("worktree", "add", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def recorded(root: Path, folder: Path, names: Sequence[str], jobs: int, *, quiet: bool = False) -> dict[str, Any]:
    """Record the checkout in ``root`` into ``folder`` with its own program; return the description.

    Raises:
        RecordingError: if no recording came out.
    """
    command = [sys.executable, str(root / PROGRAM), "--record", str(folder), "--jobs", str(jobs)]
    command += [word for name in names for word in ("--only", name)]  # a name that the commit does not know is passed over
    settings = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(folder.parent)}  # removed with that, whatever happens
    with subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL if quiet else None) as process:
        _RUNNING.append(process)
        status = process.wait()
    if (description := read_description(folder)) is None:
        msg = f"{root}: its {PROGRAM} made no recording (status {status})"
        raise RecordingError(msg)
    return description
