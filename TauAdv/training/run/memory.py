"""How much memory a training will take, worked out from the network, the batch and the filled cells of the sets.

Weights, gradients and the two moments of the optimiser are counted; so are the batches that are read ahead, and the taus
that are shuffled. What a step keeps of the outputs of all layers, and what its compiled graph takes, are factors fitted
to seven trainings in float32 (two networks, 20 to 2,000 taus per batch, both grid modes, one CPU). The estimate is of the
growth of the process beyond Python with TensorFlow loaded, to be trusted within a factor of ``ACCURACY``; a test holds it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from TauAdv.models.deeptau.grid_rows import GridLayer
from TauAdv.shards.store import ShardSet
from TauAdv.training.run.inputs import Inputs

__all__ = ["ACCURACY", "MemoryEstimate", "estimate_memory", "filled_cells", "layer_outputs"]

#: Largest ratio between the estimate and what a training takes, either way round.
ACCURACY = 1.5
_KEPT_PER_OUTPUT = 1.2  # bytes of a step per byte of the layers' outputs
_GRAPH_PER_LAYER = 2.0e6  # bytes of a compiled step
_BATCHES_IN_FLIGHT = 5  # read, decoded and waiting
_PACKED_SHARE = 0.2  # of the numbers of a cell; objects that are absent take no place in packed taus
_FULLEST = 2.2  # filled cells of the fullest tau of a batch, in those of the mean one
_SAMPLE = 2000  # taus whose cells are counted
_STATES = 4  # a trainable weight, its gradient, and two moments
_WINDOWS = 2  # of shuffled taus in memory
_WINDOW = 8192


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of a training, beyond those of Python with TensorFlow loaded.

    Attributes:
        weights: weights, gradients and optimiser states.
        activations: what a step keeps of the outputs of the layers.
        rows: taus or jets in memory, shuffled and in batches read ahead.
        step: the compiled step.
        rows_name: what rows are called.
    """

    weights: float
    activations: float
    rows: float
    step: float
    rows_name: str = "taus"

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.activations + self.rows + self.step

    def __str__(self) -> str:
        """Return the estimate in words."""
        parts = {
            "activations": self.activations,
            "weights and optimisers": self.weights,
            f"{self.rows_name} read ahead": self.rows,
            "compiled step": self.step,
        }
        shown = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in parts.items())
        trust = f"within a factor {ACCURACY:g}"
        return f"about {self.total / 1e6:,.0f} MB ({trust}), beyond the 0.8 GB of Python with TensorFlow: {shown}"


def filled_cells(shards: ShardSet) -> dict[str, float]:
    """Return the mean number of filled cells per tau and grid, of the first taus of a set; jets have no cells."""
    if (count := shards.row_type.filled_cells) is None:
        return {}
    taus, _ = shards.take(np.arange(min(shards.num_taus, _SAMPLE)))
    return count(taus)


def estimate_memory(model: Any, inputs: Inputs) -> MemoryEstimate:
    """Return what training the model on the inputs will take.

    Args:
        model: to be trained.
        inputs: batch sizes and sets.
    """
    sizes = inputs.batch_sizes
    rows = sum(sizes.values())
    cells: dict[str, float] = {}
    for role, size in zip(("training", "adversarial training"), sizes.values(), strict=False):
        for grid, mean in filled_cells(inputs.sets[role]).items():
            cells[grid] = cells.get(grid, 0.0) + size * mean
    width = np.dtype(model.layers[-1].variable_dtype).itemsize
    trainable = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    fixed = model.count_params() - trainable
    flat, cell = _widths(inputs.sets["training"])
    measured = bool(inputs.settings.output.gradient_steps) and len(sizes) > 1  # a second graph, with two backward passes
    return MemoryEstimate(
        weights=(_STATES * trainable + fixed) * width,
        activations=_KEPT_PER_OUTPUT * _output_bytes(model, rows, cells),
        rows=_shuffled(inputs) + _BATCHES_IN_FLIGHT * 4 * (rows * flat + sum(cells.values()) * cell),
        step=_GRAPH_PER_LAYER * len(model.layers) * (2 if measured else 1),
        rows_name=inputs.rows_name,
    )


def layer_outputs(model: Any, rows: int, cells: dict[str, float]) -> float:
    """Return how many numbers the layers give in one training step.

    Args:
        model: the network.
        rows: taus of the batch.
        cells: filled cells of the batch per grid.
    """
    return sum(count for _, count in _outputs(model, rows, cells))


def _output_bytes(model: Any, rows: int, cells: dict[str, float]) -> float:
    """Return the bytes of these numbers, each in the number type in which its layer computes."""
    return sum(count * tf.as_dtype(layer.compute_dtype).size for layer, count in _outputs(model, rows, cells))


def _outputs(model: Any, rows: int, cells: dict[str, float]) -> Iterator[tuple[Any, float]]:
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        first, *rest = layer.output.shape
        if first == 1 and rest[0] is None:  # rows of a grid
            yield layer, _grid_rows(model, layer.name, rows, cells) * rest[-1]
        else:
            filled = 1 + _FULLEST * sum(cells.values()) / rows  # open length: padded to the fullest tau of the batch
            yield layer, float(rows * math.prod(size or filled for size in rest))


def _grid_rows(model: Any, name: str, rows: int, cells: dict[str, float]) -> float:
    """Return the rows on which the layers of a grid act: all cells, or the filled ones and those for the empty ones."""
    grid = next(grid for grid in cells if name.startswith((f"{grid}_", f"input_{grid}_")))
    settings = next(layer for layer in model.layers if isinstance(layer, GridLayer) and layer.name.startswith(f"{grid}_"))
    if settings.mode == "dense":
        return rows * settings.n_cells**2
    return cells[grid] + settings.n_empty_rows


def _widths(shards: ShardSet) -> tuple[int, int]:
    """Return the numbers of features of a row, and of each of its cells."""
    return shards.row_type.widths(shards.table)


def _shuffled(inputs: Inputs) -> float:
    """Return the bytes of the packed taus that are shuffled together."""
    total = 0.0
    for role in ("training", "adversarial training"):
        if (shards := inputs.sets.get(role)) is not None:
            flat, cell = _widths(shards)
            per_tau = 4 * (flat + _PACKED_SHARE * sum(filled_cells(shards).values()) * cell)
            total += _WINDOWS * per_tau * min(shards.num_taus, max(_WINDOW, int(shards.chunk_sizes.max())))
    return total
