"""What attacks may do to DeepTau's inputs, from its feature table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.constraints.followers import Copies
from TauAdv.attacks.constraints.input_columns import Follower, InputColumns
from TauAdv.features.blocks import Feature
from TauAdv.features.scaling import ScalingConstants
from TauAdv.features.table import FeatureTable

__all__ = ["tau_constraints"]


def tau_constraints(table: FeatureTable, **options: Any) -> Constraints:
    """Return the constraints of a batch of taus: ``tau``, ``inner_cells`` and ``outer_cells`` may move, indices may not.

    Counts, codes and flags never move; a feature with a guard does not move where it has the value that stands for
    "invalid"; nothing of an object that a cell does not hold moves; scaled values stay within the clip limits; the tau's
    features that are repeated in its cells move with the tau. Cell columns are named block/feature, as in the table.

    Args:
        table: feature table of the batch.
        options: of :class:`TauAdv.attacks.constraints.constraints.Constraints`, such as ``relative_cap``.
    """
    flat, cell = table.features("tau"), table.features("cell")
    tensors = {"tau": _columns(flat, "inner", [feature.name for feature in flat])}
    copies = []
    for grid in table.grids:
        tensors[f"{grid}_cells"] = _columns(cell, grid, [feature.path for feature in cell], rows=f"{grid}_index")
        copies.append(Copies(f"{grid}_cells", "tau", _repeated(flat, cell)))
    return Constraints(tensors, copies=tuple(copies), **options)


def _columns(features: Sequence[Feature], grid: str, names: list[str], rows: str | None = None) -> InputColumns:
    constants = ScalingConstants.of(features, grid)
    spans = _block_starts(features)
    followers = [
        Follower(i, (_position(features, feature.follows, spans[i]),))
        for i, feature in enumerate(features)
        if feature.follows
    ]
    return InputColumns.of(
        names,
        perturbation=[feature.perturbation for feature in features],
        integer=[feature.integer for feature in features],
        frozen=[feature.block == _SHARED_BLOCK for feature in features],
        mean=constants.mean,
        std=constants.std,
        low=constants.low,
        high=constants.high,
        absent=[feature.default if feature.guards else math.nan for feature in features],
        flag=[_flag(features, start) for start in spans],
        rows=rows,
        followers=followers,
    )


#: Block of the features of the tau and of the event that every cell repeats.
_SHARED_BLOCK = "GridGlobal"


def _block_starts(features: Sequence[Feature]) -> list[int]:
    """Return the position of the first feature of every feature's block; a block may stand in several tensors."""
    starts: list[int] = []
    for i, feature in enumerate(features):
        begins = i == 0 or features[i - 1].block != feature.block
        starts.append(i if begins else starts[-1])
    return starts


def _position(features: Sequence[Feature], key: str, start: int) -> int:
    block = features[start].block
    return next(i for i in range(start, len(features)) if (features[i].block, features[i].key) == (block, key))


def _flag(features: Sequence[Feature], start: int) -> int:
    """Return the position of the block's feature that says whether its object is there; -1: always."""
    block = features[start].block
    named = (i for i in range(start, len(features)) if (features[i].block, features[i].key) == (block, "valid"))
    return next(named, -1)


def _repeated(flat: Sequence[Feature], cell: Sequence[Feature]) -> dict[int, int]:
    """Return the positions in a cell of features that may move -> those of the same features of the tau."""
    sources = {str(feature.value): i for i, feature in enumerate(flat) if not feature.integer}
    return {
        i: sources[str(feature.value)]
        for i, feature in enumerate(cell)
        if feature.block == _SHARED_BLOCK and str(feature.value) in sources
    }
