"""Steps killed by SIGKILL at a file operation or at any moment; repeated, they end as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from campaign import faults
from campaign.attempt import Fault, run
from campaign.contents import content, differences, leftovers, names
from campaign.steps import Step, Workspace, runs_of
from campaign.tally import Tally

__all__ = ["Reference", "fresh_folder", "kill_step", "reference_of", "verify"]


class Reference:
    """What a step makes when nothing happens.

    Attributes:
        content: of the outputs.
        names: of all files and folders.
        operations: file operations on the way.
        seconds: the step took.
    """

    def __init__(self, step: Step, workspace: Workspace, folder: Path) -> None:
        count = Fault(faults.COUNT, folder=folder) if faults.available() else None
        attempt = run(step.script, step.command(workspace, folder), count)
        if attempt.status != 0:
            raise SystemExit(f"{step.name}: without a fault it ends with status {attempt.status}\n{attempt.text}")
        self.content, self.names = result(step, folder), comparable_names(step, folder)
        self.operations, self.seconds = attempt.operations, attempt.seconds


def reference_of(step: Step, workspace: Workspace) -> Reference:
    """Run a step without a fault."""
    return Reference(step, workspace, fresh_folder(step, workspace))


def fresh_folder(step: Step, workspace: Workspace) -> Path:
    """Return the folder of a step's outputs, as it is before; always of the same name, since outputs may hold it."""
    folder = workspace.folder / "try" / step.name.replace(" ", "_")
    shutil.rmtree(folder, ignore_errors=True)
    step.prepare(workspace, folder)
    return folder


def result(step: Step, folder: Path) -> dict[str, str]:
    """Return the content of what counts of a step's outputs: of a training the model and the state at its end."""
    if not step.resumes:
        return {name: value for name, value in content(folder).items() if "mlruns" not in name or "predictions" in name}
    (found,) = [run for run in runs_of(folder / "mlruns") if run["began"]]
    artifacts = folder / "mlruns" / Path(found["mlpath"]).name / found["id"] / "artifacts"
    newest = max((artifacts / "model_checkpoints").glob("step_*"))
    parts = {"status": found["status"]}
    for path in (artifacts / "model/model.keras", newest / "variables.npz"):
        parts |= content(path)
    return parts


def comparable_names(step: Step, folder: Path) -> list[str]:
    """Return the names of all outputs, the identifiers of runs aside.

    Left out is what belongs to runs that stay in the store of MLflow though the step made another: those that never began,
    and of a step that resumes none, those that did not end well.
    """
    runs = runs_of(folder / "mlruns")
    never = [run["id"] for run in runs if not (run["began"] if step.resumes else run["status"] == "FINISHED")]
    listed = [name for name in names(folder) if not any(identifier in name for identifier in never)]
    identifiers = [run["id"] for run in runs if run["id"] not in never]
    for number, identifier in enumerate(identifiers):
        listed = [name.replace(identifier, f"run {number}") for name in listed]
    return sorted(name for name in listed if not name.endswith(("-shm", "-wal", "-journal")))


def kill_step(step: Step, workspace: Workspace, reference: Reference, n_kills: int, seed: int, tally: Tally) -> None:
    """Kill a step at ``n_kills`` moments, half of them again on the way back, and compare each with the reference."""
    rng = np.random.default_rng(seed)
    for number in range(n_kills):
        folder = fresh_folder(step, workspace)
        kills = [_moment(rng, reference, folder, number) for _ in range(1 + number % 2)]
        for fault in kills:
            attempt = run(step.script, step.command(workspace, folder), fault)
            if attempt.traceback or attempt.hung:
                tally.add("hang" if attempt.hung else "traceback", f"{step.name}, {fault}: {attempt.text[-600:]}")
                break
        verify(step, workspace, folder, reference, tally, f"killed {[_said(fault) for fault in kills]}")


def _moment(rng: np.random.Generator, reference: Reference, folder: Path, number: int) -> Fault:
    if reference.operations and number % 4 < 3:
        return Fault(faults.KILL, int(rng.integers(1, reference.operations + 1)), folder)
    return Fault(faults.KILL, after_seconds=float(rng.uniform(0, reference.seconds)))


def _said(fault: Fault) -> str:
    return f"at operation {fault.at}" if fault.after_seconds is None else f"after {fault.after_seconds:.2f} s"


def verify(step: Step, workspace: Workspace, folder: Path, reference: Reference, tally: Tally, what: str) -> None:
    """Run a step again after a fault, and compare its outputs with those of an uninterrupted run."""
    attempt = run(step.script, step.command(workspace, folder))
    example = f"{step.name}, {what}"
    if attempt.hung or attempt.traceback:
        tally.add("hang" if attempt.hung else "traceback", f"{example}, again: {attempt.text[-600:]}")
    elif attempt.status != 0:
        tally.add("lost", f"{example}: repeated, it ends with status {attempt.status}: {attempt.text[-600:]}")
    elif wrong := differences(reference.content, result(step, folder)):
        tally.add("wrong", f"{example}: repeated, these differ: {wrong[:5]}")
    elif over := _too_many(step, folder, reference):
        tally.add("lost", f"{example}: left over or gone: {over[:5]}")
    else:
        tally.add()


def _too_many(step: Step, folder: Path, reference: Reference) -> Sequence[str]:
    if found := leftovers(folder):
        return found
    return sorted(set(comparable_names(step, folder)) ^ set(reference.names))
