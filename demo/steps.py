"""How the demo runs the scripts: each step is the command that a user would type, timed, two at a time where independent."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


class CommandFailed(RuntimeError):
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

    def run(self, step: str, *command: object, capture: bool = False) -> str:
        """Run one command (a script and its arguments) and return what it printed, if captured.

        Raises:
            CommandFailed: if it ends with an error.
        """
        words = [shown(word) for word in command]
        print("$ python " + shlex.join(words), flush=True)
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *words],
            cwd=REPOSITORY,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
        )
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - begin
        if done.returncode:
            msg = f"{words[0]} ended with status {done.returncode}" + (f":\n{done.stdout[-3000:]}" if capture else "")
            raise CommandFailed(msg)
        return done.stdout or ""

    def run_together(self, step: str, commands: Sequence[Sequence[object]]) -> list[str]:
        """Run independent commands two at a time; print the last line of each as it ends."""
        begin = time.perf_counter()

        def one(command: Sequence[object]) -> str:
            output = self.run(f"{step} (summed)", *command, capture=True)
            last = next((line for line in reversed(output.replace("\r", "\n").splitlines()) if line.strip()), "")
            print(f"  {last.strip()}", flush=True)
            return output

        with ThreadPoolExecutor(max_workers=2) as pool:
            outputs = list(pool.map(one, commands))
        self.seconds.pop(f"{step} (summed)", None)
        self.seconds[step] = time.perf_counter() - begin
        return outputs

    def print_times(self) -> None:
        """Print the wall time of each step."""
        print("\nWall time: " + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items()))
        print(f"in all {time.perf_counter() - self.start:.0f} s (environment set-up not included)")
