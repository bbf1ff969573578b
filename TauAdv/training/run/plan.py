"""What a dry run says beyond the inputs: the network block by block, the memory that it takes, the files that it writes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from TauAdv.models.variables import part_of_layer
from TauAdv.training.run.checkpoints import KEPT_CHECKPOINTS
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.run.memory import counted_memory

__all__ = ["network_lines", "plan_lines"]

_IN_BLOCK = re.compile(r"_(dense|conv|norm|activation|dropout)_(\d+|last)$|_dense(?=_adv$)")
_GROUPS = {"common": "common layers", "class_head": "class head", "adversarial_head": "adversarial head"}
_GRIDS = ("inner_", "outer_")


def network_lines(model: Any) -> Iterator[str]:
    """Yield one line per block of layers: group, widths (3x3: convolutions over cells), number of parameters."""
    blocks: dict[tuple[str, str], list[Any]] = {}
    for layer in model.layers:
        if layer.weights:
            block = _IN_BLOCK.sub("", layer.name)
            blocks.setdefault((part_of_layer(layer.name), block), []).append(layer)
    for (part, block), layers in sorted(blocks.items(), key=lambda item: _place(*item[0])):
        widths = [f"{n} x {width}" if n > 1 else width for width, n in _runs(layers)]
        count = sum(math.prod(weight.shape) for layer in layers for weight in layer.weights)
        yield f"{_GROUPS[part]:17s} {block:20s} {count:>11,} parameters  widths {', '.join(widths)}"


def _place(part: str, block: str) -> tuple[int, int]:
    """Return where a block is listed; those of equal places stay in the order of the network."""
    grids = [grid for grid, start in enumerate(_GRIDS) if block.startswith(start)]
    return list(_GROUPS).index(part), grids[0] if grids else len(_GRIDS)


def _runs(layers: list[Any]) -> Iterator[tuple[str, int]]:
    """Yield the widths of layers, each with the number of layers in a row that have it."""
    for width, run in groupby(_width(layer) for layer in layers if hasattr(layer, "kernel")):
        yield width, len(list(run))


def _width(layer: Any) -> str:
    *window, _, width = layer.kernel.shape
    return f"{width} ({window[0]}x{window[1]})" if window and window[0] > 1 else str(width)


def plan_lines(model: Any, inputs: Inputs) -> Iterator[str]:
    """Yield what the training will take and write.

    Args:
        model: to be trained.
        inputs: of the training.
    """
    settings = inputs.settings
    yield f"memory: {counted_memory(model, inputs)}"
    output = settings.output
    width = 4 if settings.model.precision != "float64" else 8
    weights = model.count_params() * width / 1e6
    checkpoint = weights + 2 * width * sum(math.prod(v.shape) for v in model.trainable_variables) / 1e6
    total = (settings.schedule.n_epochs + 1) * weights + KEPT_CHECKPOINTS * checkpoint
    between = f", every {_counted(output.checkpoint_steps, 'step')}" if output.checkpoint_steps else ""
    yield f"would be written: a new run in {output.mlruns}, experiment '{output.experiment}', about {total:,.1f} MB"
    yield f"  model/model.keras ({weights:,.1f} MB)"
    yield f"  model_checkpoints/: {_counted(settings.schedule.n_epochs, 'model')}, one per epoch"
    yield f"    checkpoints to resume from, after each epoch{between} and every {output.checkpoint_hours:g} hours"
    yield f"    (the {KEPT_CHECKPOINTS} newest are kept, {checkpoint:,.1f} MB each)"
    yield "  input_cfg/: settings, network, feature table, manifests of the shards, names of metrics, state of the code"
    often = f"every {_counted(output.log_steps, 'step')}"
    yield f"  metrics after each epoch and {often}" + (", tensorboard/" if output.tensorboard else "")


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
