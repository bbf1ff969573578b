"""Two processes that start one step at the same time with one output: one makes it, the other hears so or finds it made."""

from __future__ import annotations

import time

import numpy as np

from campaign.attempt import run, start
from campaign.contents import differences, leftovers
from campaign.kills import Reference, fresh_folder, result
from campaign.steps import Step, Workspace, runs_of
from campaign.tally import Tally

__all__ = ["start_twice"]


def start_twice(step: Step, workspace: Workspace, reference: Reference, n_pairs: int, seed: int, tally: Tally) -> None:
    """Start a step twice, the second a random part of its time later."""
    rng = np.random.default_rng(seed)
    for _ in range(n_pairs):
        folder = fresh_folder(step, workspace)
        if step.resumes:
            run(step.script, _for_epochs(1, step.command(workspace, folder)))
        commands = [step.command(workspace, folder)] * 2
        if step.resumes:
            commands = [_for_epochs(2, command) for command in commands]
        first = start(step.script, commands[0])
        time.sleep(float(rng.uniform(0, reference.seconds / 2)))
        attempts = [process.wait() for process in (first, start(step.script, commands[1]))]
        texts = " | ".join(attempt.text[-300:] for attempt in attempts)
        example = f"{step.name}: statuses {[attempt.status for attempt in attempts]}: {texts}"
        refused = [a for a in attempts if a.status == 2 and "process" in a.text]
        if any(attempt.hung for attempt in attempts):
            tally.add("hang", example)
        elif any(attempt.traceback for attempt in attempts):
            tally.add("traceback", example)
        elif not any(attempt.status == 0 for attempt in attempts) or len(refused) + sum(a.status == 0 for a in attempts) < 2:
            tally.add("lost", example)
        elif wrong := differences(reference.content, result(step, folder)):
            tally.add("wrong", f"{example}: these differ: {wrong[:5]}")
        elif found := leftovers(folder):
            tally.add("lost", f"{example}: left over: {found[:5]}")
        elif step.resumes and sum(run["began"] != "" for run in runs_of(folder / "mlruns")) != 1:
            tally.add("wrong", f"{example}: several runs")
        else:
            tally.note("the second was refused" if refused else "the second found it made")
            tally.add()


def _for_epochs(n_epochs: int, words: list[str]) -> list[str]:
    return [*(word for word in words if not word.startswith("schedule.n_epochs=")), f"schedule.n_epochs={n_epochs}"]
