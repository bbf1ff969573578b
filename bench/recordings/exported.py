"""What is recorded of exported models: their constants, and what they compute from random inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recordings.outputs import Recorded, bag, numbers

__all__ = ["cms_contents", "onnx_contents", "saved_model_contents"]

_FIGURES = ("comparison", "double_precision", "both_in_double_precision", "counts")
_ROWS = 7


def _random(shapes: Mapping[str, Iterable[int | None]]) -> dict[str, np.ndarray]:
    """Return random inputs by name; of unknown lengths there are a few."""
    rng = np.random.default_rng(3)
    sizes = {
        name: [size if isinstance(size, int) and size > 0 else _ROWS for size in shapes[name]] for name in sorted(shapes)
    }
    return {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}


def _figures(folder: Path) -> Recorded:
    return {"figures": numbers(folder / "manifest.json", *_FIGURES), "features": _features(folder / "features.json")}


def _features(path: Path) -> dict[str, Any]:
    return numbers(path, "classes", "grids", "inputs") if path.is_file() else {}


def onnx_contents(folder: Path) -> Recorded:
    """Return constants and outputs of an ONNX file."""
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    (path,) = folder.glob("*.onnx")
    recorded = bag("constants", [numpy_helper.to_array(entry) for entry in onnx.load(path).graph.initializer])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, _random({entry.name: entry.shape for entry in session.get_inputs()}))
    return {**_figures(folder), **recorded, "output": output}


def saved_model_contents(folder: Path) -> Recorded:
    """Return constants and outputs of the dense signature of a SavedModel."""
    import tensorflow as tf

    (path,) = [file.parent for file in folder.rglob("saved_model.pb")]
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    inputs = _random({name: spec.shape.as_list() for name, spec in signature.structured_input_signature[1].items()})
    outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
    return {**_figures(folder), **{f"output {name}": value.numpy() for name, value in outputs.items()}}


def cms_contents(folder: Path) -> Recorded:
    """Return constants and outputs of the three frozen graphs."""
    recorded = _figures(folder)
    for part in ("inner", "outer", "core"):
        (path,) = folder.glob(f"*_{part}.pb")
        recorded |= _graph_contents(part, path)
    return recorded


def _graph_contents(part: str, path: Path) -> Recorded:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    constants = [tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"]
    places = {node.name: node.attr["shape"].shape.dim for node in graph.node if node.op == "Placeholder"}
    inputs = _random({name: [axis.size for axis in axes] for name, axes in places.items()})
    used = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
    (last,) = [node.name for node in graph.node if node.name not in used]
    with tf.Graph().as_default() as imported, tf.compat.v1.Session(graph=imported) as session:
        tf.import_graph_def(graph, name="")
        output = session.run(f"{last}:0", {f"{name}:0": value for name, value in inputs.items()})
    return {**bag(f"constants of {part}", constants), f"output of {part}": output}
