"""The end of a training whose losses or gradients are not finite any more: one message, and a file with the batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from TauAdv.errors import InputError
from TauAdv.tracking import Run
from TauAdv.training.checkpoints import latest_checkpoint
from TauAdv.training.diagnosis import diagnose
from TauAdv.training.inputs import Inputs
from TauAdv.training.steps import Trainer

__all__ = ["not_finite", "require_finite_statistics"]

_SHOWN = 3
_IDENTITY = 4  # columns of the identity that are shown: run, lumi, evt, dataset_id; source, line, jet_id, dataset_id
_WAY_OUT = {
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
    checkpoint = latest_checkpoint(run.artifacts / "model_checkpoints")
    parts = [f"the losses or gradients of step {step:,} are not finite", f"to blame: {found.blame}: {found.text}"]
    if found.layer is not None:
        parts.append(f"first layer that is not finite: '{found.layer}'")
    if concerned:
        names = inputs.rows_name
        parts.append(f"{len(concerned)} of the {len(rows)} {names} of the batch are concerned: {_shown(concerned)}")
    parts += [
        f"all {inputs.rows_name} of the batch: {file}",
        f"last good checkpoint: {_good(checkpoint)}",
        f"way out: {_WAY_OUT[found.blame]} (run {run.id})",
    ]
    return InputError("\n  ".join(parts))


def require_finite_statistics(model: keras.Model, step: int) -> None:
    """Check the running statistics of the batch normalisations: an enormous input spoils them, though every loss is finite.

    Raises:
        InputError: naming the first layer, in forward order, whose statistics are not finite.
    """
    for layer in model.layers:
        for weight in layer.non_trainable_weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                msg = (
                    f"after {step:,} steps {weight.name} of layer '{layer.name}' is not finite, though all losses were: an "
                    "input of this layer was enormous; check the features of the shards (largest absolute values), or lower "
                    "the learning rates"
                )
                raise InputError(msg)


def _rows(inputs: Inputs, step: int) -> list[dict[str, Any]]:
    """Return where every row of a batch is stored and what identifies it, in the order of the batch."""
    found: list[dict[str, Any]] = []
    for role, rows in inputs.rows(step).items():
        columns = inputs.sets[role].columns(list(inputs.sets[role].layout.identity))
        found += [
            {"set": role, "row": int(row), **{name: np.asarray(values)[row].item() for name, values in columns.items()}}
            for row in rows
        ]
    return found


def _shown(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows[:_SHOWN]:
        identity = [f"{name} {value}" for name, value in row.items() if name not in ("set", "row")]
        lines.append(f"{row['set']} row {row['row']} ({', '.join(identity[:_IDENTITY])})")
    return ", ".join(lines) + (", ..." if len(rows) > _SHOWN else "")


def _good(checkpoint: Path | None) -> str:
    return "none yet" if checkpoint is None else str(checkpoint)
