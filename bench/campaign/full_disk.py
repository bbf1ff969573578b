"""Every write of a step failing once for want of space: an error that names the file, and nothing half-written."""

from __future__ import annotations

import numpy as np

from campaign import faults
from campaign.attempt import Fault, run
from campaign.contents import differences, names
from campaign.kills import Reference, fresh_folder, result, verify
from campaign.steps import Step, Workspace
from campaign.tally import Tally

__all__ = ["fill_disk"]

_NO_SPACE = "No space left on device"


def fill_disk(step: Step, workspace: Workspace, reference: Reference, n_writes: int | None, seed: int, tally: Tally) -> None:
    """Let writes of a step fail, each once or with all that follow; at most ``n_writes``, ``None`` means every one."""
    places = np.arange(1, reference.operations + 1)
    if n_writes is not None and n_writes < len(places):
        places = np.sort(np.random.default_rng(seed).choice(places, n_writes, replace=False))
    for place in places.tolist():
        folder = fresh_folder(step, workspace)
        before = names(folder)
        fault = Fault(faults.FULL if place % 2 else faults.FULL_ONCE, place, folder)
        attempt = run(step.script, step.command(workspace, folder), fault)
        example = f"{step.name}, write {place} of {reference.operations}"
        if attempt.hung or attempt.traceback:
            tally.add("hang" if attempt.hung else "traceback", f"{example}: {attempt.text[-900:]}")
        elif attempt.status == 0:
            if attempt.operations < place:
                tally.note("not reached")
            elif wrong := differences(reference.content, result(step, folder)):
                tally.add("wrong", f"{example}: status 0, but these differ: {wrong[:5]}")
        elif attempt.status != 2 or _NO_SPACE not in attempt.text or str(folder) not in attempt.text:
            tally.add("traceback", f"{example}: status {attempt.status}, expected 2 and a file: {attempt.text[-600:]}")
        if attempt.status == 2 and names(folder) == before and place % 10:
            tally.add()  # nothing was left: what a repetition makes is known
        else:
            verify(step, workspace, folder, reference, tally, f"write {place} without space")
