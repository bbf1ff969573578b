"""The models that a run kept of its epochs, and how well each of them does on raw and on attacked inputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.attacks.none import NoAttack
from TauAdv.errors import InputError
from TauAdv.evaluation.robustness.attacked import DisturbedBatches, probabilities_of
from TauAdv.evaluation.robustness.settings import RAW, RobustnessSettings
from TauAdv.runs import Run
from TauAdv.runs.layout import CHECKPOINTS
from TauAdv.shards.store import ShardSet
from TauAdv.taggers.registry import read_tagger

__all__ = ["epoch_models", "predict_epochs"]

_NAME = re.compile(r"epoch_(\d+)\.keras")


def epoch_models(run: Run, most: int | None = None) -> dict[int, Path]:
    """Return epoch -> model file, at most so many of them, evenly spread and with the last one.

    Raises:
        InputError: the run kept none.
    """
    folder = run.artifacts / CHECKPOINTS
    found = {int(match[1]): path for path in folder.glob("epoch_*.keras") if (match := _NAME.fullmatch(path.name))}
    if not found:
        msg = f"run {run.id} ({run.name}, {run.status}): no epoch_NNNN.keras in {folder}; leave out the part 'epochs'"
        raise InputError(msg)
    epochs = sorted(found)
    if most is not None and len(epochs) > most:
        chosen = np.linspace(0, len(epochs) - 1, most).round().astype(int) if most > 1 else [len(epochs) - 1]
        epochs = [epochs[number] for number in chosen]
    return {epoch: found[epoch] for epoch in epochs}


def predict_epochs(
    files: dict[int, Path], shards: ShardSet, settings: RobustnessSettings
) -> dict[tuple[int, str], NDArray[np.float32]]:
    """Return (epoch, disturbance) -> class probabilities of the first ``settings.scan_rows`` rows.

    One graph is traced for all epochs; their weights take turns in it.

    Raises:
        InputError: a file that is not a model, or a set without labels.
    """
    shards = shards.head(min(settings.scan_rows, settings.rows or shards.num_rows))
    model: Any = read_tagger(next(iter(files.values())))
    attacks = {RAW: NoAttack()} | {name: settings.disturbances[name] for name in settings.by_epoch}
    batches = DisturbedBatches({"": model}, shards, attacks, batch_size=settings.batch_size, seed=settings.seed)
    compute = probabilities_of(model)
    found: dict[tuple[int, str], list[NDArray[np.float32]]] = {}
    for epoch, path in files.items():
        model.set_weights(_weights(path))
        for _, attacked in batches(title=f"epoch {epoch}"):
            found.setdefault((epoch, attacked.disturbance), []).append(compute(attacked.inputs))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _weights(path: Path) -> Sequence[NDArray[Any]]:
    return read_tagger(path).get_weights()
