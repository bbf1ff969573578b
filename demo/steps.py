"""How the demo runs the scripts: each step is the command that a user would type, timed, two at a time where independent."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from TauAdv.errors import OutputExistsError, TauAdvError
from TauAdv.io.atomic import write_text
from TauAdv.io.ownership import require_own_files
from TauAdv.io.processes.pool import die_with_parent
from TauAdv.runs import Run, list_runs

REPOSITORY = Path(__file__).resolve().parents[1]
DEMO = REPOSITORY / "demo"
_SOURCES = {".py", ".yaml", ".lark"}
_STAMP = "made_with.sha256"
_REPLACING = "being replaced"
HEARTBEAT = 15.0  # seconds between two signs of life of a captured command


def newest(mlruns: Path, name: str) -> Run:
    """Return the run of that name that was started last."""
    return next(run for run in list_runs(mlruns) if run.name == name)


@contextmanager
def up_to_date(runner: Runner, folder: Path, sources: Iterable[Path]) -> Iterator[Runner]:
    """Yield what runs the commands of a sample: with ``--overwrite`` if other settings or another version made it before.

    Nothing is removed here: each step replaces what it made before, and nothing else (generated events stay).

    Args:
        runner: of the demo.
        folder: the sample.
        sources: files, and folders with files, of the demo that decide its content, besides the code of the package.
    """
    stamp, wanted = folder / _STAMP, _digest(sources)
    before = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    outdated = before not in ("", wanted)
    write_text(stamp, _REPLACING if outdated else wanted)
    yield Overwriting(runner) if outdated else runner
    write_text(stamp, wanted)


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for top in (*sources, REPOSITORY / "Production", REPOSITORY / "TauAdv"):
        files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.suffix in _SOURCES)
        for path in files:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def require_own_folders(samples: Iterable[Path], reports: Iterable[Path]) -> None:
    """Refuse folders that hold something that no demo made, before hours of work.

    Raises:
        OutputExistsError: names them.
    """
    for folder in samples:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _STAMP).is_file():
            msg = f"{folder}: holds files that no demo made ({next(folder.iterdir()).name} ...); give another --output"
            raise OutputExistsError(msg)
    for folder in reports:
        require_own_files(folder, of="a report")


def require_own_notebook(path: Path) -> None:
    """Refuse to replace a notebook that the demo did not execute.

    Raises:
        OutputExistsError: if it is another one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"metadata": {"papermill": {}}}
        ours = "papermill" in content["metadata"]
    except (ValueError, LookupError, TypeError):
        ours = False
    if not ours:
        msg = f"{path}: is not a notebook that a demo executed, and is not replaced; give another --output"
        raise OutputExistsError(msg)


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
        _print_whole(f"\n=== [{elapsed:4.0f} s] {text}")

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

    def at_once(self, *branches: Callable[[Runner], Any]) -> list[Any]:
        """Run sequences of commands beside each other, each with a runner that shows last lines only; return their results.

        Raises:
            TauAdvError: the first one of a branch that failed, after all have ended.
        """
        with ThreadPoolExecutor(max_workers=len(branches)) as pool:
            running = [pool.submit(branch, Captured(self)) for branch in branches]
        return [branch.result() for branch in running]

    def print_times(self) -> None:
        """Print the wall time of each step."""
        print("\nWall time: " + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items()))
        print(f"in all {time.perf_counter() - self.start:.0f} s (environment set-up not included)")


class Captured(Runner):
    """Runs commands for another runner, and shows the last line of each, so that several do not write over each other."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def title(self, text: str) -> None:
        """Print the heading of a step."""
        self._runner.title(text)

    def run(self, step: str, *command: object) -> None:
        """Run one command."""
        self.run_together(step, [command])

    def run_together(self, step: str, commands: Sequence[Sequence[object]], *, shown_whole: bool = False) -> None:
        """Run independent commands."""
        self._runner.run_together(step, commands)


class Overwriting(Runner):
    """Runs commands with ``--overwrite``, and counts their time for another runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def title(self, text: str) -> None:
        """Print the heading of a step."""
        self._runner.title(f"{text} (again: made with other settings or code)")

    def run(self, step: str, *command: object) -> None:
        """Run one command."""
        self._runner.run(step, command[0], "--overwrite", *command[1:])

    def run_together(self, step: str, commands: Sequence[Sequence[object]], *, shown_whole: bool = False) -> None:
        """Run independent commands."""
        self._runner.run_together(step, [(script, "--overwrite", *rest) for script, *rest in commands])


def _run_one(command: Sequence[object], shown_whole: bool) -> str:
    """Run one command; return what to say if it failed."""
    words = [shown(word) for word in command]
    _print_whole("$ python " + shlex.join(words))
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    call = {"args": [sys.executable, *words], "cwd": REPOSITORY, "env": environment}
    call["preexec_fn"] = die_with_parent(os.getpid())
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
                _print_whole(f"  ... {Path(words[0]).name}: {_last_line(log)}")
        _print_whole(f"  {_last_line(log)}")
        log.seek(0)
        return f"{shlex.join(words)} ended with status {status}:\n{log.read()[-3000:]}" if status else ""


def _print_whole(text: str) -> None:
    """Print text at once, so that lines of several commands are not mixed."""
    print(text + "\n", end="", flush=True)


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().replace("\r", "\n").splitlines()]
    return next((line for line in reversed(lines) if line), "")
