"""ONNX as a format: written from a graph that each network makes, executed by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.cms.compare import Inputs, Scores
from TauAdv.models.deeptau.double_precision import double_inputs
from TauAdv.models.export.dense_inputs import dense_inputs
from TauAdv.models.export.formats import Exported, Format

__all__ = ["onnx_format"]


def onnx_format(graph: Callable[[], Any]) -> Format:
    """Return the format of a network of taus with dense tensors as inputs.

    Args:
        graph: returns, after importing onnx, the function from weights, network, metadata and precision to the ONNX model.
    """
    return Format(partial(_write, graph), _execute, partial(_execute_in_double, graph))


def _write(graph: Callable[[], Any], exported: Exported, folder: Path) -> None:
    try:
        make = graph()
    except ImportError as error:
        raise InputError(_missing(error)) from error
    model = make(exported.weights, exported.network, exported.metadata, np.float32)
    _file(exported, folder).write_bytes(model.SerializeToString())


def _execute_in_double(graph: Callable[[], Any], exported: Exported, folder: Path) -> Scores:
    """Return the scores of the same graph, written in double precision, by the reference implementation of ONNX."""
    from onnx.reference import ReferenceEvaluator

    network = exported.double_network
    session = ReferenceEvaluator(graph()(exported.weights, network, exported.metadata, np.float64))

    def scores(inputs: Inputs) -> NDArray[Any]:
        (found,) = list(session.run(None, dense_inputs(double_inputs(inputs), network)))
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
    return {"onnxruntime": lambda inputs: session.run(None, dense_inputs(inputs, exported.network))[0]}


def _missing(error: ImportError) -> str:
    return f"the format onnx needs the packages onnx and onnxruntime ({error}): pip install -e '.[export]'"
