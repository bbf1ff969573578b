"""The rows of taus: features of a feature table, cells of two grids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_DOMAINS
from TauAdv.features.arrays import features_of_arrays
from TauAdv.features.scaling import ScalingConstants
from TauAdv.features.table import FeatureTable
from TauAdv.shards.row_layout import RowType
from TauAdv.shards.tau.packing import PackLayout
from TauAdv.shards.tau.selection import IDENTITY

__all__ = ["TAU_ROWS"]

#: the selection of working points cuts on it, and it is no column of shards
_READ_BACK = "tau_dz"


def _differences(one: FeatureTable, other: FeatureTable) -> list[str]:
    contents = [_content(table) for table in (one, other)]
    return [path for path in {**contents[0], **contents[1]} if contents[0].get(path) != contents[1].get(path)]


def _content(table: FeatureTable) -> dict[str, tuple[Any, ...]]:
    return {
        feature.path: (str(feature.value), str(feature.guards), str(feature.scaling), feature.default)
        for block in table.blocks.values()
        for feature in block.features
    }


def _feature_names(table: FeatureTable, name: str) -> list[str]:
    return [feature.path for feature in table.features("tau" if name == "tau" else "cell")]


def _physical(table: FeatureTable, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return tau_dz [n] in cm, read back from the scaled features; nothing if the table has no such feature."""
    features = table.features("tau")
    found = [number for number, feature in enumerate(features) if str(feature.value) == _READ_BACK and not feature.guards]
    if not found:
        return {}
    constants = ScalingConstants.of([features[found[0]]])
    return {_READ_BACK: constants.invert(inputs["tau"][:, found[:1]])[:, 0]}


TAU_ROWS = RowType(
    name=PackLayout.rows,
    table=FeatureTable,
    layout=PackLayout,
    differences=_differences,
    feature_names=_feature_names,
    input_names=("tau", "inner_index", "inner_cells", "outer_index", "outer_cells"),
    is_vector=False,
    same=IDENTITY,
    domains=TAU_DOMAINS,
    both_domains="data and simulation",
    made_by="shards",
    options=lambda kind: f" --config shards_{kind}",
    scores={"Djet": "tau_vs_jet"},
    from_arrays=lambda table, arrays, **settings: features_of_arrays(arrays, table, **settings),
    extraction={"era": str | None, "rm_inner_from_outer": bool},
    tuple_columns=lambda table: table.branches,
    tuple_identity=("run", "lumi", "evt", "tau_index", "dataset_id", "tau_pt", "tau_eta", "tau_decayMode"),
    physical=_physical,
)
