"""How the demo runs the scripts: each step is the command that a user would type, timed, two at a time where independent."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from TauAdv.errors import TauAdvError
from TauAdv.tracking import Run, list_runs

REPOSITORY = Path(__file__).resolve().parents[1]
DEMO = REPOSITORY / "demo"
_SOURCES = {".py", ".yaml", ".lark"}
HEARTBEAT = 15.0  # seconds between two signs of life of a captured command


def newest(mlruns: Path, name: str) -> Run:
    """Return the run of that name that was started last."""
    return next(run for run in list_runs(mlruns) if run.name == name)


def discard_if_outdated(folder: Path, sources: Iterable[Path]) -> None:
    """Remove a sample that was made with other settings or another version of the code (generated events stay).

    Args:
        folder: the sample.
        sources: files, and folders with files, of the demo that decide its content, besides the code of the package.
    """
    digest = hashlib.sha256()
    for top in (*sources, REPOSITORY / "Production", REPOSITORY / "TauAdv"):
        files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.suffix in _SOURCES)
        for path in files:
            digest.update(path.read_bytes())
    stamp = folder / "made_with.sha256"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(digest.hexdigest(), encoding="utf-8")


def how_to_see_runs(run: Run) -> str:
    """Return the command that opens the MLflow page, and where on it the runs of the same experiment are."""
    database = shown(run.mlpath.parent / "mlflow.db")
    return (
        f"Runs: .venv/bin/mlflow ui --backend-store-uri sqlite:///{database}\n"
        f"  then open http://127.0.0.1:5000/#/experiments/{run.mlpath.name}?workflowType=machine_learning\n"
        "  (the first page is for language models: there, choose 'Model training')"
    )


class CommandFailed(TauAdvError):
    """A command of the demo ended with an error; its message names the command and what it printed."""


def shown(path: object) -> str:
    """Return a path as the user would type it from the top of the checkout."""
    text = str(path)
    return os.path.relpath(text, REPOSITORY) if text.startswith(str(REPOSITORY)) else text


class Runner:
    """Runs the scripts of the checkout and keeps the wall time of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.start = time.perf_counter()

    def title(self, text: str) -> None:
        """Print the heading of a step with the time since the start."""
        elapsed = time.perf_counter() - self.start
        print(f"\n=== [{elapsed:4.0f} s] {text}", flush=True)

    def run(self, step: str, *command: object) -> None:
        """Run one command (a script and its arguments); it writes to the terminal itself.

        Raises:
            CommandFailed: if it ends with an error.
        """
        self.run_together(step, [command], shown_whole=True)

    def run_together(self, step: str, commands: Sequence[Sequence[object]], *, shown_whole: bool = False) -> None:
        """Run independent commands two at a time; show the last line of each from time to time and at its end.

        Raises:
            CommandFailed: after all have ended, if one ended with an error.
        """
        begin = time.perf_counter()
        with ThreadPoolExecutor(max_workers=2) as pool:
            failures = [text for text in pool.map(lambda command: _run_one(command, shown_whole), commands) if text]
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - begin
        if failures:
            raise CommandFailed("\n".join(failures))

    def print_times(self) -> None:
        """Print the wall time of each step."""
        print("\nWall time: " + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items()))
        print(f"in all {time.perf_counter() - self.start:.0f} s (environment set-up not included)")


def _run_one(command: Sequence[object], shown_whole: bool) -> str:
    """Run one command; return what to say if it failed."""
    words = [shown(word) for word in command]
    print("$ python " + shlex.join(words), flush=True)
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    call = {"args": [sys.executable, *words], "cwd": REPOSITORY, "env": environment}
    if shown_whole:
        status = subprocess.run(**call).returncode
        return f"{words[0]} ended with status {status}" if status else ""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(**call, stdout=log, stderr=subprocess.STDOUT)
        while True:
            try:
                status = process.wait(timeout=HEARTBEAT)
                break
            except subprocess.TimeoutExpired:
                print(f"  ... {Path(words[0]).name}: {_last_line(log)}", flush=True)
        print(f"  {_last_line(log)}", flush=True)
        log.seek(0)
        return f"{shlex.join(words)} ended with status {status}:\n{log.read()[-3000:]}" if status else ""


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().replace("\r", "\n").splitlines()]
    return next((line for line in reversed(lines) if line), "")
