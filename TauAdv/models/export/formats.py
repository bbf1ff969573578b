"""The formats that a classifier can be written in: how to write each, and how to execute what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.cms.compare import Inputs, Scores
from TauAdv.models.cms.double_graphs import double_graphs
from TauAdv.models.cms.execute import FrozenTagger, cell_output
from TauAdv.models.cms.exporting import graph_files, write_graphs
from TauAdv.models.cms.parts import GRIDS, read_graphs
from TauAdv.models.deeptau.double_precision import double_inputs, double_network
from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.export.dense_inputs import dense_inputs
from TauAdv.models.export.saved_model import DENSE, OUTPUT, SPARSE, write_saved_model
from TauAdv.models.layer_weights import LayerWeights

__all__ = ["FORMATS", "Exported", "Format"]

#: Layers of the merge block in the networks that CMS software reads: the name of the output counts them.
_CMS_MERGE_LAYERS = 4


@dataclass(frozen=True)
class Exported:
    """What there is to write.

    Attributes:
        model: the classifier, in single precision.
        weights: its weights.
        name: of the files.
        metadata: texts for formats that keep some.
    """

    model: TauTagger
    weights: LayerWeights
    name: str
    metadata: Mapping[str, str]

    @property
    def network(self) -> NetworkSettings:
        """Settings of the network."""
        return self.model.network


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        write: (what, folder) writes the files.
        execute: (what, folder) returns each way to compute scores with the files, by name.
        execute_in_double_precision: (what, folder) returns the scores of what was written in double precision; ``None`` of a
            format that holds the very operations of the predictions.
        keeps_weights: whether the files hold the model's weights as they are: in double precision they are the model then.
        notes: what users of the files should know.
    """

    write: Callable[[Exported, Path], None]
    execute: Callable[[Exported, Path], dict[str, Scores]]
    execute_in_double_precision: Callable[[Exported, Path], Scores | None] = lambda exported, folder: None
    keeps_weights: bool = False
    notes: Callable[[NetworkSettings], list[str]] = lambda network: []


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
    return [f"the cell graphs end in {received}; CMS software that asks for {expected} must be told"]


def _onnx_file(exported: Exported, folder: Path) -> Path:
    return folder / f"{exported.name}.onnx"


def _write_onnx(exported: Exported, folder: Path) -> None:
    try:
        from TauAdv.models.export.onnx_graph import onnx_model
    except ImportError as error:
        raise InputError(_missing_onnx(error)) from error
    model = onnx_model(exported.weights, exported.network, exported.metadata)
    _onnx_file(exported, folder).write_bytes(model.SerializeToString())


def _execute_onnx(exported: Exported, folder: Path) -> dict[str, Scores]:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(_missing_onnx(error)) from error
    session = onnxruntime.InferenceSession(_onnx_file(exported, folder), providers=["CPUExecutionProvider"])
    return {"onnxruntime": lambda inputs: session.run(None, dense_inputs(inputs, exported.network))[0]}


def _execute_onnx_in_double(exported: Exported, folder: Path) -> Scores:
    """Return the scores of the same graph, written in double precision, by the reference implementation of ONNX."""
    from onnx.reference import ReferenceEvaluator

    from TauAdv.models.export.onnx_graph import onnx_model

    network = double_network(exported.network)
    session = ReferenceEvaluator(onnx_model(exported.weights, network, exported.metadata, np.float64))

    def scores(inputs: Inputs) -> NDArray[Any]:
        (found,) = list(session.run(None, dense_inputs(double_inputs(inputs), network)))
        return found

    return scores


def _missing_onnx(error: ImportError) -> str:
    return f"the format onnx needs the packages onnx and onnxruntime ({error}): pip install -e '.[export]'"


def _saved_model_folder(exported: Exported, folder: Path) -> Path:
    return folder / exported.name


def _write_saved_model(exported: Exported, folder: Path) -> None:
    write_saved_model(exported.model, _saved_model_folder(exported, folder))


def _execute_saved_model(exported: Exported, folder: Path) -> dict[str, Scores]:
    loaded = tf.saved_model.load(str(_saved_model_folder(exported, folder)))

    def compute(signature: str, inputs: Mapping[str, Any]) -> Any:
        return loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})[OUTPUT].numpy()

    return {
        DENSE: lambda inputs: compute(DENSE, dense_inputs(inputs, exported.network)),
        SPARSE: lambda inputs: compute(SPARSE, inputs),
    }


FORMATS: Mapping[str, Format] = {
    "cms": Format(_write_cms, _execute_cms, _execute_cms_in_double, keeps_weights=True, notes=_cms_notes),
    "onnx": Format(_write_onnx, _execute_onnx, _execute_onnx_in_double),
    "savedmodel": Format(_write_saved_model, _execute_saved_model),
}
