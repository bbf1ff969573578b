"""Checkpoints from which a training goes on exactly: weights, optimisers, dropout's random state, sums of metrics, step.

A checkpoint is a folder ``step_<number>`` with ``variables.npz`` and ``state.json``, renamed into place when it is whole.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_folder
from TauAdv.training.optimizers import Optimizer

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
]

_FOLDER = re.compile(r"step_(\d+)")
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

    Args:
        folder: where the checkpoints of a run lie.
        model: the model.
        optimizers: its optimisers by name.
        window: sums of the metrics that are not yet part of the epoch's.
        state: where the training stands.
    """
    target = folder / f"step_{state.step:09d}"
    arrays: dict[str, Any] = {f"{group}/{name}": _array(value) for group, name, value in _named(model, optimizers)}
    with new_folder(target) as temporary:
        np.savez(temporary / "variables.npz", window=window, **arrays)
        (temporary / "state.json").write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
    for old in (
        *_checkpoints(folder)[:-KEPT_CHECKPOINTS],
        *folder.glob(".step_*"),
    ):  # those hidden were left by a killed process
        shutil.rmtree(old)
    return target


def content(model: keras.Model, optimizers: dict[str, Optimizer], state: State | None) -> bytes:
    """Return all variables and the step as bytes, to compare them between processes."""
    step = np.int64(state.step if state else 0)
    return step.tobytes() + b"".join(_array(value).tobytes() for _, _, value in _named(model, optimizers))


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder, or ``None``."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def restore(checkpoint: Path, model: keras.Model, optimizers: dict[str, Optimizer]) -> tuple[State, NDArray[np.float64]]:
    """Put the variables of a checkpoint into a model and its optimisers; return the state and the window of metrics.

    Raises:
        InputError: if the checkpoint is of another network.
    """
    state = State(**json.loads((checkpoint / "state.json").read_text(encoding="utf-8")))
    with np.load(checkpoint / "variables.npz", allow_pickle=False) as stored:
        expected = {f"{group}/{name}": value for group, name, value in _named(model, optimizers)}
        differing = sorted(set(stored.files) ^ {"window", *expected})
        shared = [name for name in expected if name in stored.files]
        differing += [name for name in shared if stored[name].shape != tuple(expected[name].shape)]
        if differing:
            msg = f"{checkpoint}: is of another network: {len(differing)} variables differ, {', '.join(differing[:5])} ..."
            raise InputError(msg)
        for name, value in expected.items():
            value.assign(stored[name])
        return state, stored["window"]


def stored_optimizer(checkpoint: Path, name: str) -> dict[str, NDArray[Any]]:
    """Return the state of one optimiser kept in a checkpoint; empty if it has none of that name."""
    with np.load(checkpoint / "variables.npz", allow_pickle=False) as stored:
        return {key.removeprefix(f"{name}/"): stored[key] for key in stored.files if key.startswith(f"{name}/")}


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


def _array(variable: Any) -> NDArray[Any]:
    return keras.ops.convert_to_numpy(variable.value)


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step_*") if _FOLDER.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step_")))
