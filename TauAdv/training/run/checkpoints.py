"""Checkpoints from which a training resumes exactly: weights, optimisers, dropout's random state, sums of metrics, step.

A checkpoint is a folder ``step_<number>`` with ``variables.npz`` and ``state.json``, renamed into place when it is whole.
Both are checked when they are read: of a damaged checkpoint, the one before it takes the place.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError, InputWarning, first_line
from TauAdv.io.atomic import new_folder
from TauAdv.io.checksums import describe_file
from TauAdv.io.leftovers import remove_tree
from TauAdv.io.ownership import require_same_run, run_of
from TauAdv.io.records import read_record, write_record
from TauAdv.io.verified_files import VerifiedFile
from TauAdv.training.step.flat import present_values
from TauAdv.training.step.optimizers import Optimizer

__all__ = [
    "KEPT_CHECKPOINTS",
    "State",
    "content",
    "copy_optimizer_state",
    "latest_checkpoint",
    "model_variables",
    "restore",
    "save",
    "stored_optimizer",
    "usable_checkpoint",
]

_FOLDER = re.compile(r"step_(\d+)")
_STATE, _VARIABLES = "state.json", "variables.npz"
KEPT_CHECKPOINTS = 2  # newest, of a run


@dataclass
class State:
    """Where a training stands, besides the variables.

    Attributes:
        step: steps done.
        epoch: epochs done.
        seconds: time spent on them.
        epoch_sums: sums of the metrics [metrics, 2] of the present epoch.
        best: value of the metric of early stopping at the best epoch so far; ``None`` before the first.
        best_epoch: that epoch.
        stopped: whether early stopping ended the training.
        n_replicas: number of devices that share each batch.
    """

    step: int = 0
    epoch: int = 0
    seconds: float = 0.0
    epoch_sums: list[list[float]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    stopped: bool = False
    n_replicas: int = 1


def model_variables(model: keras.Model) -> dict[str, Any]:
    """Return all variables of a model, random states included, by layer name and position."""
    return {f"{layer.name}/{i}": value for layer in model.layers for i, value in enumerate(layer.variables)}


def save(
    folder: Path, model: keras.Model, optimizers: dict[str, Optimizer], window: NDArray[np.float64], state: State
) -> Path:
    """Write a checkpoint, remove those older than the one before it, and return its folder.

    Later ones are removed, too: a training that comes to an earlier step again could not use them.

    Args:
        folder: where the checkpoints of a run lie.
        model: the model.
        optimizers: its optimisers by name.
        window: sums of the metrics that are not yet part of the epoch's.
        state: where the training stands.
    """
    target = folder / f"step_{state.step:09d}"
    named = _named(model, optimizers)
    values = present_values([value for _, _, value in named])
    arrays: dict[str, Any] = {f"{group}/{name}": value for (group, name, _), value in zip(named, values, strict=True)}
    with new_folder(target) as temporary:
        np.savez(temporary / _VARIABLES, window=window, **arrays)
        described = {"variables": describe_file(temporary / _VARIABLES)}
        write_record(temporary / _STATE, {**asdict(state), **described, "run": run_of(folder)})
    found = _checkpoints(folder)
    place = found.index(target) + 1
    hidden = folder.glob(".step_*")  # left by a killed process
    for old in (*found[: max(0, place - KEPT_CHECKPOINTS)], *found[place:], *hidden):
        remove_tree(old)
    return target


def content(model: keras.Model, optimizers: dict[str, Optimizer], state: State | None) -> bytes:
    """Return all variables and the step as bytes, to compare them between processes."""
    step = np.int64(state.step if state else 0)
    values = present_values([value for _, _, value in _named(model, optimizers)])
    return step.tobytes() + b"".join(value.tobytes() for value in values)


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder, or ``None``; whether it can be used is not looked at."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def usable_checkpoint(folder: Path) -> Path | None:
    """Return the newest undamaged checkpoint in a folder; ``None`` if there is no checkpoint at all.

    A warning names damaged ones that are passed over.

    Raises:
        InputError: if all are damaged.
    """
    faults: list[str] = []
    for checkpoint in reversed(_checkpoints(folder)):
        try:
            _require_whole(checkpoint)
        except InputError as error:
            faults.append(str(error))
            continue
        for fault in faults:
            warnings.warn(f"{fault}: the checkpoint before it, {checkpoint.name}, is used", InputWarning, stacklevel=2)
        return checkpoint
    if faults:
        models = sorted(folder.glob("epoch_*.keras"))
        other = f" from the last epoch's model (pretrained.file={models[-1]})" if models else ""
        msg = f"{'; '.join(faults)}; no checkpoint can be used: put a copy of one back, or start a new training{other}"
        raise InputError(msg)
    return None


def _require_whole(checkpoint: Path) -> None:
    """Check that a checkpoint is what was written."""
    _, variables = _state(checkpoint)
    path = checkpoint / _VARIABLES
    if variables is not None:
        VerifiedFile(path, variables, remedy="it cannot be used").content()
    else:  # of an earlier version, without checksum: the archive has one of each variable
        _variables(checkpoint)


def _state(checkpoint: Path) -> tuple[State, dict[str, Any] | None]:
    """Return the state, and what is known of the file of the variables: size and checksum."""
    path = checkpoint / _STATE
    try:
        content = read_record(path)
        content.pop("checksum", None)
        require_same_run(checkpoint, content.pop("run", None))
        variables = content.pop("variables", None)
        return State(**content), variables
    except OSError as error:
        msg = f"{path}: damaged: {error.strerror}"
        raise InputError(msg) from error
    except TypeError as error:
        msg = f"{path}: damaged: not the state of a training"
        raise InputError(msg) from error


def _variables(checkpoint: Path) -> dict[str, NDArray[Any]]:
    """Return the variables of a checkpoint, by group and name."""
    path = checkpoint / _VARIABLES
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:  # numpy, zipfile and zlib raise a dozen kinds
        msg = f"{path}: damaged: {first_line(error)}"
        raise InputError(msg) from error


def restore(checkpoint: Path, model: keras.Model, optimizers: dict[str, Optimizer]) -> tuple[State, NDArray[np.float64]]:
    """Put the variables of a checkpoint into a model and its optimisers; return the state and the window of metrics.

    Raises:
        InputError: if the checkpoint is damaged, or of another network.
    """
    state, _ = _state(checkpoint)
    stored = _variables(checkpoint)
    window = stored.pop("window", None)
    expected = {f"{group}/{name}": value for group, name, value in _named(model, optimizers)}
    differing = sorted(set(stored) ^ set(expected))
    differing += [name for name in expected if name in stored and stored[name].shape != tuple(expected[name].shape)]
    if differing or window is None:
        msg = f"{checkpoint}: is of another network: {len(differing)} variables differ, {', '.join(differing[:5])} ..."
        raise InputError(msg)
    for name, value in expected.items():
        value.assign(stored[name])
    return state, window


def stored_optimizer(checkpoint: Path, name: str) -> dict[str, NDArray[Any]]:
    """Return the state of one optimiser kept in a checkpoint; empty if it has none of that name.

    Raises:
        InputError: if the checkpoint is damaged.
    """
    stored = _variables(checkpoint)
    return {key.removeprefix(f"{name}/"): value for key, value in stored.items() if key.startswith(f"{name}/")}


def copy_optimizer_state(source: dict[str, NDArray[Any]], target: Optimizer) -> list[str]:
    """Copy optimiser state by the names of the variables it belongs to; return what ``source`` did not have."""
    missing = []
    for name, value in target.state().items():
        if name in source and source[name].shape == tuple(value.shape):
            value.assign(source[name])
        else:
            missing.append(name)
    return missing


def _named(model: keras.Model, optimizers: dict[str, Optimizer]) -> list[tuple[str, str, Any]]:
    named = [("model", name, value) for name, value in model_variables(model).items()]
    for group, optimizer in optimizers.items():
        named += [(group, name, value) for name, value in optimizer.state().items()]
    return named


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step_*") if _FOLDER.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step_")))
