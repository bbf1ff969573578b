"""The rows of jets: scaled inputs."""

from __future__ import annotations

from TauAdv.domain.classes import JET_DOMAINS
from TauAdv.jets.arrays import features_of_arrays
from TauAdv.jets.features import JetFeatures
from TauAdv.shards.jet.packing import JetLayout, ScaledJets
from TauAdv.shards.row_layout import RowType

__all__ = ["JET_ROWS"]

JET_ROWS = RowType(
    name=JetLayout.rows,
    table=JetFeatures,
    layout=JetLayout,
    differences=JetFeatures.differences,
    feature_names=lambda table, name: table.names,
    input_names=("x",),
    is_vector=True,
    same=JetLayout.key,
    domains=JET_DOMAINS,
    both_domains="jets of both detectors",
    made_by="jets prepare",
    options=lambda kind: " --shifted JETS" if kind == "adversarial" else "",
    scores={},
    from_arrays=lambda table, arrays: ScaledJets(*features_of_arrays(arrays, table)),
    extraction={},
    tuple_columns=None,
    tuple_identity=(),
    physical=lambda table, inputs: {},
)
