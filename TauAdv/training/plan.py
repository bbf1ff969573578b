"""What a dry run says beyond the inputs: the network block by block, the memory that it takes, the files that it writes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from TauAdv.models.variables import part_of_layer
from TauAdv.training.inputs import Inputs
from TauAdv.training.memory import estimate_memory

__all__ = ["network_lines", "plan_lines"]

_IN_BLOCK = re.compile(r"_(dense|conv|norm|activation|dropout)_(\d+|last|adv)$")
_GROUPS = {"common": "common layers", "class_head": "class head", "adversarial_head": "adversarial head"}
_KEPT_CHECKPOINTS = 2


def network_lines(model: Any) -> Iterator[str]:
    """Yield one line per block of layers: group, widths (3x3: convolutions over cells), number of parameters."""
    blocks: dict[tuple[str, str], list[Any]] = {}
    for layer in model.layers:
        if layer.weights:
            block = _IN_BLOCK.sub("", layer.name)
            blocks.setdefault((part_of_layer(layer.name), block), []).append(layer)
    for (part, block), layers in blocks.items():
        widths = [_width(layer) for layer in layers if hasattr(layer, "kernel")]
        count = sum(math.prod(weight.shape) for layer in layers for weight in layer.weights)
        yield f"{_GROUPS[part]:17s} {block:20s} {count:>11,} parameters  widths {', '.join(widths)}"


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
    yield f"memory: {estimate_memory(model, inputs)}"
    width = 4 if settings.precision != "float64" else 8
    weights = model.count_params() * width / 1e6
    checkpoint = weights + 2 * width * sum(math.prod(v.shape) for v in model.trainable_variables) / 1e6
    total = (settings.n_epochs + 1) * weights + _KEPT_CHECKPOINTS * checkpoint
    between = f", every {settings.checkpoint_steps:,} steps" if settings.checkpoint_steps else ""
    yield f"would be written: a new run in {settings.mlruns}, experiment '{settings.experiment}', about {total:,.1f} MB"
    yield f"  model/model.keras ({weights:,.1f} MB)"
    yield f"  model_checkpoints/: {settings.n_epochs} models, one per epoch; checkpoints to resume from (the"
    often = f"per epoch{between}, every {settings.checkpoint_hours:g} hours"
    yield f"    {_KEPT_CHECKPOINTS} newest kept, {checkpoint:,.1f} MB each) {often}"
    yield "  input_cfg/: settings, network, feature table, manifests of the shards, names of metrics, state of the code"
    yield f"  metrics per epoch, and per {settings.log_steps} steps" + (", tensorboard/" if settings.tensorboard else "")
