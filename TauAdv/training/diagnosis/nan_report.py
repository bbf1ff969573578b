"""The end of a training whose losses, gradients, weights or validation are not finite any more: messages that say why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.tagger import network_inputs
from TauAdv.runs import Run
from TauAdv.runs.layout import CHECKPOINTS
from TauAdv.shards.batching import Batches
from TauAdv.training.diagnosis.nan_search import diagnose
from TauAdv.training.run.checkpoints import latest_checkpoint
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.step.trainer import Trainer

__all__ = ["not_finite", "require_finite_metrics", "require_finite_weights"]

_SHOWN = 3
_IDENTITY = 4  # columns of the identity that are shown: run, lumi, evt, dataset_id; source, line, jet_id, dataset_id
_WHAT_TO_DO = {
    "weights": "lower the learning rates or k2, let them warm up (learning_rate_schedule.warmup_steps), or set clip_norm",
    "inputs": "look up these rows in what the shards were made of, and make the shards again without them",
    "labels": "make the shards again: weights must be finite",
    "layer": "lower the learning rates or k2, or set clip_norm",
    "loss": "choose another loss, or lower the learning rates",
    "gradients": "set clip_norm, or lower the learning rates",
    "unknown": "go on from the checkpoint; if it happens again, set clip_norm or lower the learning rates",
}


def not_finite(trainer: Trainer, inputs: Inputs, run: Run, step: int, knobs: Mapping[str, float], done: int) -> InputError:
    """Return the error that ends a training, after its file was written to ``diagnosis/`` of the run.

    Args:
        trainer: as it is; its guard noticed the step.
        inputs: of the training.
        run: that ends.
        step: number of the first step that was not finite, from 0.
        knobs: learning rates, k1 and k2 of that step.
        done: steps that were done by now.
    """
    found = diagnose(trainer, inputs, step, knobs, done)
    rows = _rows(inputs, step)
    concerned = [rows[row] for row in found.rows.tolist()]
    content = {"step": step, **asdict(found), "rows": found.rows.tolist(), "knobs": dict(knobs), "batch": rows}
    file = run.log_text(json.dumps(content, indent=1) + "\n", f"diagnosis/step_{step:09d}.json")
    parts = [f"the losses or gradients of step {step:,} are not finite", f"to blame: {found.blame}: {found.text}"]
    if found.layer is not None:
        parts.append(f"first layer that is not finite: '{found.layer}'")
    if concerned:
        names = inputs.rows_name
        parts.append(f"{len(concerned)} of the {len(rows)} {names} of the batch are concerned: {_shown(concerned)}")
    parts += [
        f"all {inputs.rows_name} of the batch: {file}",
        f"last good checkpoint: {_good(run)}",
        f"what to do: {_WHAT_TO_DO[found.blame]} (run {run.id})",
    ]
    return InputError("\n  ".join(parts))


def require_finite_weights(model: keras.Model, run: Run, step: int) -> None:
    """Check all weights: the last update may have thrown them off, and an enormous input spoils running statistics.

    The guard does not see either before the next step.

    Args:
        model: after the step.
        run: that ends if they are not finite.
        step: steps done.

    Raises:
        InputError: naming the first layer, in forward order, whose weights or running statistics are not finite.
    """
    for layer in model.layers:
        for weight in layer.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                is_trained = any(weight is trained for trained in layer.trainable_weights)
                reason = (
                    "the last update threw it there; lower the learning rates, or set clip_norm"
                    if is_trained
                    else "an input of this layer was enormous; check the features of the shards (largest absolute values), "
                    "or lower the learning rates"
                )
                msg = (
                    f"after {step:,} step{'' if step == 1 else 's'} {weight.name} of layer '{layer.name}' is not finite, "
                    f"though all losses were: {reason}\n  last good checkpoint: {_good(run)} (run {run.id})"
                )
                raise InputError(msg)


def require_finite_metrics(values: Mapping[str, float], trainer: Trainer, inputs: Inputs, run: Run, epoch: int) -> None:
    """Check the metrics of an epoch: one that is not finite can tell no epoch from another.

    Args:
        values: metrics by name; those of a validation begin with ``val_``.
        trainer: with the weights that were validated.
        inputs: of the training.
        run: that ends if they are not finite.
        epoch: number of the epoch, from 1.

    Raises:
        InputError: naming metrics, sets, and the rows whose inputs, labels or scores are not finite.
    """
    bad = [name for name, value in values.items() if not np.isfinite(value)]
    if not bad:
        return
    parts = [f"metrics of epoch {epoch} are not finite: {', '.join(bad)}"]
    of_adversary = {"validation": False, "adversarial validation": True}
    for role, is_adversarial in of_adversary.items():
        concerned = [name for name in bad if name.startswith("val_") and name.startswith("val_adv_") == is_adversarial]
        if concerned and role in inputs.sets:
            parts.append(f"{role} set {inputs.sets[role].folder}: {_blamed(role, trainer, inputs)}")
    parts += [
        f"last good checkpoint: {_good(run)}",
        "what to do: make the shards of this set again without these rows; if no row is to blame, lower the learning rates "
        f"(run {run.id})",
    ]
    raise InputError("\n  ".join(parts))


def _blamed(role: str, trainer: Trainer, inputs: Inputs) -> str:
    """Return which rows of a validation set have inputs or labels, or else scores, that are not finite."""
    shards = inputs.sets[role]
    source = Batches(shards, inputs.settings.data.n_class, shuffle=False)
    of_inputs: list[int] = []
    of_scores: list[int] = []
    for step in range(inputs.validation_steps(role)):
        batch, rows = source(step), source.rows(step)
        n_rows = len(rows)
        found = _rows_not_finite(batch, n_rows)
        of_inputs += rows[found].tolist()
        outputs = trainer.model(network_inputs(batch), training=False)
        scores = outputs if isinstance(outputs, Mapping) else {"": outputs}
        of_scores += rows[_rows_not_finite({name: np.asarray(score) for name, score in scores.items()}, n_rows)].tolist()
    blamed, what = (of_inputs, "inputs or labels") if of_inputs else (of_scores, "scores")
    if not blamed:
        return f"inputs, labels and scores of all its {inputs.rows_name} are finite"
    return f"{what} of {len(blamed)} of its {inputs.rows_name} are not finite: {_shown(_identified(inputs, role, blamed))}"


def _rows_not_finite(arrays: Mapping[str, NDArray[Any]], n_rows: int) -> NDArray[np.bool_]:
    """Return which rows of a batch hold values that are not finite, in themselves or in one of their cells."""
    found = np.zeros(n_rows, bool)
    for name, values in arrays.items():
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        found[arrays[name.replace("_cells", "_index")][bad, 0] if name.endswith("_cells") else np.flatnonzero(bad)] = True
    return found


def _rows(inputs: Inputs, step: int) -> list[dict[str, Any]]:
    """Return where every row of a batch is stored and what identifies it, in the order of the batch."""
    return [tau for role, rows in inputs.rows(step).items() for tau in _identified(inputs, role, rows)]


def _identified(inputs: Inputs, role: str, rows: Iterable[int]) -> list[dict[str, Any]]:
    """Return set, stored row and identity of some rows of a set."""
    columns = inputs.sets[role].columns(list(inputs.sets[role].layout.identity))
    return [
        {"set": role, "row": int(row), **{name: np.asarray(values)[row].item() for name, values in columns.items()}}
        for row in rows
    ]


def _shown(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows[:_SHOWN]:
        identity = [f"{name} {value}" for name, value in row.items() if name not in ("set", "row")]
        lines.append(f"{row['set']} row {row['row']} ({', '.join(identity[:_IDENTITY])})")
    return ", ".join(lines) + (", ..." if len(rows) > _SHOWN else "")


def _good(run: Run) -> str:
    checkpoint: Path | None = latest_checkpoint(run.artifacts / CHECKPOINTS)
    return "none yet" if checkpoint is None else str(checkpoint)
