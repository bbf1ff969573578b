"""Run the cases of this checkout and write a recording."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from campaign.attempt import REPOSITORY, Attempt, Process

import TauAdv
from recordings.cases import CASES, Case, with_needed, write_settings
from recordings.store import RecordingError, commit_of, write_case, write_description
from recordings.workspace import Place, build_inputs

__all__ = ["record"]

#: Loaded once, before processes are forked: that takes longer than most steps.
_LIBRARIES = ("awkward", "numba", "uproot", "matplotlib.pyplot", "mlflow", "tensorflow")


def record(folder: Path, names: Sequence[str], jobs: int) -> list[str]:
    """Run cases, ``jobs`` at a time, with those that they need; return the names of those that failed.

    What came out is written into ``folder``.

    Raises:
        RecordingError: if ``folder`` holds something, or another TauAdv than that of this checkout would run.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder}: expected an empty folder, or nothing there"
        raise RecordingError(msg)
    if not Path(str(TauAdv.__file__)).is_relative_to(REPOSITORY):
        msg = f"TauAdv is imported from {TauAdv.__file__}, expected that of {REPOSITORY}"
        raise RecordingError(msg)
    began, commit = time.monotonic(), commit_of()
    for library in _LIBRARIES:
        importlib.import_module(library)
    matplotlib.use("Agg")
    with tempfile.TemporaryDirectory(prefix="tauadv_recording_", ignore_cleanup_errors=True) as temporary:
        cases = _record_cases(Place(Path(temporary).resolve()), folder.resolve(), names, jobs)
    write_description(folder, commit=commit, known=[case.name for case in CASES], cases=cases)
    print(f"{len(cases)} cases in {time.monotonic() - began:.0f} s", flush=True)
    return [name for name, outcome in cases.items() if outcome["problem"] is not None and not outcome["left out"]]


def _record_cases(place: Place, folder: Path, names: Sequence[str], jobs: int) -> dict[str, dict[str, Any]]:
    """Return what came of each case; ``jobs`` of them run at a time."""
    began = time.monotonic()
    build_inputs(place)
    print(f"inputs made in {time.monotonic() - began:.0f} s", flush=True)
    waiting, running, done = with_needed(names), [], {}
    try:
        while waiting or running:
            ready = [case for case in waiting if set(case.needs) <= set(done)][: jobs - len(running)]
            waiting = [case for case in waiting if case not in ready]
            running += [_Running(case, _steps(case, place, folder, done)) for case in ready]
            for one in [one for one in running if one.has_ended()]:
                running.remove(one)
                done[one.case.name] = one.outcome
                print(f"{one.case.name}: {one.outcome['problem'] or one.outcome['seconds']}", flush=True)
            time.sleep(0.01)
    finally:
        for one in running:
            one.process.kill()
    return done


#: The processes of a case, one after the other; each is sent what came of it. Returns what failed, if anything did.
_Steps = Generator[Process, Attempt, str | None]


class _Running:
    """A case that runs."""

    def __init__(self, case: Case, steps: _Steps) -> None:
        self.case, self.steps, self.began = case, steps, time.monotonic()
        self.outcome: dict[str, Any] = {}
        self._advance(None)

    def has_ended(self) -> bool:
        """Start the next process if one has ended; return whether there is none any more."""
        if not self.outcome and (attempt := self.process.poll()) is not None:
            self._advance(attempt)
        return bool(self.outcome)

    def _advance(self, attempt: Attempt | None) -> None:
        try:
            self.process = self.steps.send(attempt) if attempt else next(self.steps)
        except StopIteration as end:
            seconds, left_out = round(time.monotonic() - self.began, 1), not self.case.available
            self.outcome = {"what": self.case.what, "problem": end.value, "left out": left_out, "seconds": seconds}


def _steps(case: Case, place: Place, folder: Path, done: Mapping[str, Mapping[str, Any]]) -> _Steps:
    if not case.available:
        return f"left out, needs the package {case.package}"
    if missing := [name for name in case.needs if done[name]["problem"]]:
        return f"FAILED: needs {missing[0]}"
    write_settings(place, case.name)
    for script, words in case.commands:
        attempt = yield place.start(script, words, case.devices)
        if attempt.status != 0:
            return f"FAILED: {script}: {_end_of(attempt)}"
    attempt = yield Process(lambda: write_case(folder / case.name, case.contents(place)))
    return f"FAILED: outputs cannot be read: {_end_of(attempt)}" if attempt.status else None


def _end_of(attempt: Attempt) -> str:
    return f"status {attempt.status}\n{attempt.text[-3000:]}"
