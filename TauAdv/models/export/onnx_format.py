"""ONNX as a format: written from a graph that each network makes, executed by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.comparison import Inputs, Scores
from TauAdv.models.deeptau.double_precision import double_inputs
from TauAdv.models.export.dense_inputs import dense_inputs
from TauAdv.models.export.formats import Exported, Format

__all__ = ["onnx_format"]


def onnx_format(graph: Callable[[], Any]) -> Format:
    """Return the format of a network of taus with dense tensors as inputs.

    Args:
        graph: returns, after importing onnx, the function from weights, network, metadata, precision and feature table (of
            files that take physical values) to the ONNX model.
    """
    return Format(partial(_write, graph), _execute, partial(_execute_in_double, graph), takes_preprocessing=True)


def _write(graph: Callable[[], Any], exported: Exported, folder: Path) -> None:
    try:
        make = graph()
    except ImportError as error:
        raise InputError(_missing(error)) from error
    model = make(exported.weights, exported.network, exported.metadata, np.float32, exported.preprocessing)
    _file(exported, folder).write_bytes(model.SerializeToString())


def _execute_in_double(graph: Callable[[], Any], exported: Exported, folder: Path) -> Scores:
    """Return the scores of the same graph, written in double precision, by the reference implementation of ONNX."""
    from onnx.reference import ReferenceEvaluator

    network = exported.double_network
    model = graph()(exported.weights, network, exported.metadata, np.float64, exported.preprocessing)
    session = ReferenceEvaluator(model)

    def scores(inputs: Inputs) -> NDArray[Any]:
        (found,) = list(session.run(None, double_inputs(_tensors(exported, inputs))))
        return found

    return scores


def _file(exported: Exported, folder: Path) -> Path:
    return folder / f"{exported.name}.onnx"


def _execute(exported: Exported, folder: Path) -> dict[str, Scores]:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(_missing(error)) from error
    session = onnxruntime.InferenceSession(_file(exported, folder), providers=["CPUExecutionProvider"])
    return {"onnxruntime": lambda inputs: session.run(None, _tensors(exported, inputs))[0]}


def _tensors(exported: Exported, inputs: Inputs) -> dict[str, NDArray[Any]]:
    """Return what the graph takes of inputs: physical values are dense tensors already."""
    return dense_inputs(inputs, exported.network) if exported.preprocessing is None else dict(inputs)


def _missing(error: ImportError) -> str:
    return f"the format onnx needs the packages onnx and onnxruntime ({error}): pip install -e '.[export]'"
