"""The loss of one jet as two of its inputs move, all others fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.attacks.constraints.jets import allowed_ranges
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.robustness.attacked import label_objective
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.histograms import axis_label
from TauAdv.shards.row_types import VECTORS
from TauAdv.shards.store import ShardSet

__all__ = ["LossSurface", "SurfaceAxis", "loss_surface"]


@dataclass(frozen=True)
class SurfaceAxis:
    """One of the two inputs.

    Attributes:
        name: of the input.
        label: of its axis, with the unit.
        values: at which the loss is known, in physical units.
        value: of the jet.
        box: smallest and largest value that an attack of ``eps`` may use, in physical units; both ``value``: none.
    """

    name: str
    label: str
    values: NDArray[np.float64]
    value: float
    box: tuple[float, float]


@dataclass(frozen=True)
class LossSurface:
    """Loss of a jet.

    Attributes:
        x, y: the inputs.
        loss: cross entropy of the true flavour [y, x].
        here: that of the jet as it is.
        title: which jet it is.
    """

    x: SurfaceAxis
    y: SurfaceAxis
    loss: NDArray[np.float64]
    here: float
    title: str


def loss_surface(
    model: Any,
    shards: ShardSet,
    inputs: tuple[str, str],
    *,
    row: int = 0,
    width: float = 1.0,
    points: int = 61,
    eps: float = 0.05,
) -> LossSurface:
    """Return the loss of a jet on a grid of two of its inputs.

    Args:
        model: tagger of jets.
        shards: set that holds the jet.
        inputs: names of two inputs.
        row: number of the jet in the set.
        width: the grid reaches this far to either side, in standard deviations of the inputs, and ends where values cannot
            lie (``allowed`` in the table of jet variables).
        points: of the grid in each direction, before it is cut; an odd number has the jet itself on it.
        eps: of the box that is given with the axes, in standard deviations; it ends where those of attacks end
            (:func:`TauAdv.attacks.constraints.jets.allowed_ranges`).

    Raises:
        InputError: not a set of labelled jets, no such row or input, twice the same input, one that this jet does not have
            (a default), or a width or number of points that makes no grid, or none where values can lie.
    """
    import tensorflow as tf

    shards.require_kind("classification")
    if not shards.row_type.is_vector:
        msg = f"{shards.folder}: expected {VECTORS}, received {shards.rows_name}; the loss surface is drawn for {VECTORS}"
        raise InputError(msg)
    if not (0 <= row < shards.num_rows and width > 0 and points >= 2 and eps >= 0):
        msg = (
            f"loss surface: expected 0 <= row < {shards.num_rows}, width > 0, points >= 2, eps >= 0; "
            f"received row {row}, width {width}, points {points}, eps {eps}"
        )
        raise InputError(msg)
    features: JetFeatures = shards.table
    jets, columns = shards.take([row])
    first, second = (_position(features, name, jets.x_default[0]) for name in inputs)
    if first == second:
        msg = f"loss surface: expected two different inputs, received '{inputs[0]}' twice"
        raise InputError(msg)
    offsets = np.linspace(-width, width, points)
    along_x, along_y = (_possible(features, position, jets.x[0], offsets) for position in (first, second))
    shape = (len(along_y), len(along_x))
    moved = np.repeat(jets.x, shape[0] * shape[1] + 1, axis=0)
    moved[:-1, first] += np.tile(along_x, shape[0]).astype(np.float32)
    moved[:-1, second] += np.repeat(along_y, shape[1]).astype(np.float32)
    labels = np.repeat(columns["y"], len(moved), axis=0)
    loss = label_objective(model)({"x": tf.constant(moved), "y": tf.constant(labels)}).numpy().astype(np.float64)
    x, y = (_axis(features, *each, jets.x[0], eps) for each in ((first, along_x), (second, along_y)))
    flavour = shards.classes[int(columns["label"][0])]
    title = f"{flavour} jet, $p_T$ = {columns['jet_pt'][0]:.0f} GeV (line {columns['line'][0]})"
    return LossSurface(x, y, loss[:-1].reshape(shape), float(loss[-1]), title)


def _position(features: JetFeatures, name: str, absent: NDArray[np.bool_]) -> int:
    if name not in features.names:
        msg = f"no input '{name}'{nearest(name, features.names)} among the {len(features)} of the network"
        raise InputError(msg)
    position = features.names.index(name)
    if absent[position]:
        msg = f"input '{name}' is a default of this jet, it has no such quantity; choose another input, or another row"
        raise InputError(msg)
    return position


def _possible(
    features: JetFeatures, position: int, x: NDArray[np.float32], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the offsets, in standard deviations, at which the value of an input can lie at all; 0 always counts.

    Raises:
        InputError: fewer than two are left.
    """
    column = features.columns[position]
    low, high = column.variable.allowed
    values = (x[position] + offsets) * features.std[position] + features.mean[position]
    kept = (values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high))
    kept |= np.isclose(offsets, 0)
    if kept.sum() < 2:
        msg = (
            f"loss surface: expected at least 2 points along '{column.name}', received {kept.sum()} of {len(offsets)} where "
            f"its values can lie ({'any' if low is None else low} to {'any' if high is None else high}); "
            "smaller --width or more --points"
        )
        raise InputError(msg)
    return offsets[kept]


def _axis(
    features: JetFeatures, position: int, offsets: NDArray[np.float64], x: NDArray[np.float32], eps: float
) -> SurfaceAxis:
    column, std, mean = features.columns[position], features.std[position], features.mean[position]
    value = float(x[position] * std + mean)
    fixed = bool(features.integer[position] or features.frozen[position])
    reach = 0.0 if fixed else float(eps * column.variable.perturbation * std)
    low, high = (float(limits[position] * std + mean) for limits in allowed_ranges(features))
    return SurfaceAxis(
        name=column.name,
        label=axis_label(column),
        values=value + offsets * std,
        value=value,
        box=(max(value - reach, min(value, low)), min(value + reach, max(value, high))),  # outside is not pulled in
    )
