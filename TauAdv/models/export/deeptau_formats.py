"""The formats that a DeepTau classifier can be written in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from TauAdv.models.cms.double_graphs import double_graphs
from TauAdv.models.cms.execute import FrozenTagger, cell_output
from TauAdv.models.cms.exporting import graph_files, write_graphs
from TauAdv.models.cms.parts import GRIDS, read_graphs
from TauAdv.models.comparison import Scores
from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.export.formats import Exported, Format
from TauAdv.models.export.onnx_format import onnx_format
from TauAdv.models.export.saved_model import SAVED_MODEL

__all__ = ["DEEPTAU_FORMATS"]

#: Layers of the merge block in the networks that CMS software reads: the name of the output counts them.
_CMS_MERGE_LAYERS = 4


def _write_cms(exported: Exported, folder: Path) -> None:
    write_graphs(exported.weights, exported.network, folder, exported.name)


def _execute_cms(exported: Exported, folder: Path) -> dict[str, Scores]:
    return {"graphs": FrozenTagger(read_graphs(**graph_files(folder, exported.name)), exported.network)}


def _execute_cms_in_double(exported: Exported, folder: Path) -> Scores:
    graphs = double_graphs(read_graphs(**graph_files(folder, exported.name)))
    return FrozenTagger(graphs, exported.network, dtype=np.float64)


def _cms_notes(network: NetworkSettings) -> list[str]:
    n_layers = len(network.merge_widths())
    if n_layers == _CMS_MERGE_LAYERS:
        return []
    expected, received = (cell_output(GRIDS[0], number) for number in (_CMS_MERGE_LAYERS, n_layers))
    return [f"the cell graphs end in {received}; CMS software that asks for {expected} must be configured for that"]


def _onnx_graph() -> Any:
    from TauAdv.models.export.onnx_graph import onnx_model

    return onnx_model


DEEPTAU_FORMATS: Mapping[str, Format] = {
    "cms": Format(_write_cms, _execute_cms, _execute_cms_in_double, keeps_weights=True, notes=_cms_notes),
    "onnx": onnx_format(_onnx_graph),
    "savedmodel": SAVED_MODEL,
}
