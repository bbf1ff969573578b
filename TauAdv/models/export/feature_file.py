"""Order and scaling of the features that an exported model takes, for software that fills them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.features.blocks import Feature
from TauAdv.features.table import FeatureTable
from TauAdv.models.cms.parts import TAU_INPUT, cell_input
from TauAdv.models.taus.inputs import TauInputs

__all__ = ["feature_text"]

_RULE = (
    "input = clip((value - mean) / std, low, high) in float32, null is no limit; input = default where 'valid' is false and "
    "for objects that are not there; cells without any object are all zeros"
)


def feature_text(table: FeatureTable, network: TauInputs) -> str:
    """Return JSON: for every input of the dense network its features in order, with value, guard and scaling constants."""
    inputs = {TAU_INPUT: _rows(table.features("tau"), next(iter(table.grids)))}
    for grid in network.grids:
        for component, (start, stop) in network.component_columns().items():
            inputs[cell_input(grid, component)] = _rows(table.features("cell")[start:stop], grid)
    content = {
        "table": table.name,
        "digest": table.digest,
        "rule": _RULE,
        "axes": "tau, eta cell, phi cell, feature",
        "classes": list(TAU_CLASSES),
        "grids": {
            name: {"cells": grid.cells, "cell_size": grid.cell_size, "cone": str(grid.cone)}
            for name, grid in table.grids.items()
        },
        "inputs": inputs,
    }
    return json.dumps(content, indent=1) + "\n"


def _rows(features: Sequence[Feature], grid: str) -> list[dict[str, Any]]:
    return [_row(position, feature, grid) for position, feature in enumerate(features)]


def _row(position: int, feature: Feature, grid: str) -> dict[str, Any]:
    scaling = feature.scaling[grid]
    return {
        "position": position,
        "feature": feature.path,
        "value": str(feature.value),
        "valid": {era: str(guard) for era, guard in feature.guards.items()},
        "mean": scaling.mean,
        "std": scaling.std,
        "low": _limit(scaling.low),
        "high": _limit(scaling.high),
        "default": feature.default,
    }


def _limit(value: float) -> float | None:
    return value if math.isfinite(value) else None
