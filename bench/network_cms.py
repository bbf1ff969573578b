"""CMS networks in and out, with the official DeepTau 2018 v2p5: rows of bench/network.py.

Baseline of the import: executing the frozen graphs as CMS software does. Baseline of the exports: the model's own scores.
The limit is what single precision alone does: the model against the same network in double precision.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from report import Report
from tensorflow.core.framework.graph_pb2 import GraphDef

from TauAdv.models.cms.exporting import graph_files
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.export.source import ModelSource
from TauAdv.models.layer_weights import layer_weights
from TauAdv.taggers.exporting import ExportSettings, export_model

VARIABLE, VERSION = "TAUADV_REFERENCE_DATA", "deepTau_2018v2p5"


def cms_rows(report: Report, quick: bool) -> None:
    """Add the differences of import and exports of the official network to the report."""
    reference = os.environ.get(VARIABLE)
    if not reference:
        print(f"official network skipped: {VARIABLE} is not set (it names the folder that holds data/{VERSION})")
        return
    n_taus = 200 if quick else 2000
    official = graph_files(Path(reference) / "data" / VERSION, VERSION)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imported = import_cms_model(**official, name=VERSION, n_taus=n_taus)
        for name, found in {"layers": imported.comparison, "predictions": imported.predictions}.items():
            report.add(
                f"import of {VERSION} ({name}), largest difference of a softmax score, {n_taus} taus",
                figure=f"{found.largest_difference:.1e}",
                baseline="frozen graphs",
                goal="<= 1e-05",
                limit=f"{imported.rounding.largest_difference:.1e}",
            )
        report.add(
            f"import of {VERSION}, both in double precision, all scores together, relative",
            figure=f"{imported.double_precision.relative_difference:.1e}",
            baseline="frozen graphs",
            goal="<= 1e-09",
        )
        source = ModelSource(folder / "model.keras", None)
        imported.model.save(source.file)
        for form in ("cms", "onnx", "savedmodel"):
            settings = ExportSettings(format=form, features="deeptau_v2p5", name=VERSION, n_taus=n_taus)
            export_rows(report, form, export_model(source, folder / form, settings))
        written = graph_files(folder / "cms", VERSION)
        report.add(
            "nodes of the exported graphs that equal the official ones, bits of the weights included",
            figure="{} of {}".format(*equal_nodes(written, official)),
            goal="all",
        )
        back = layer_weights(import_cms_model(**written, n_taus=10).model, "export")
        report.add(
            "weights equal bit for bit after export and import",
            figure="{} of {}".format(*equal_weights(back, layer_weights(imported.model, "import"))),
            goal="all",
        )


def export_rows(report: Report, form: str, manifest: Mapping[str, Any]) -> None:
    """Add the differences of each way to execute an export."""
    rounding = manifest["double_precision"]["model"]
    for name, figures in manifest["comparison"].items():
        report.add(
            f"export {form} ({name}), all scores together, relative",
            figure=f"{figures['relative_difference']:.1e}",
            baseline="our scores",
            goal="<= 1e-06",
            limit=f"{rounding['relative_difference']:.1e}",
        )
        report.add(
            f"export {form} ({name}), largest difference, of the tau's largest score",
            figure=f"{figures['largest_relative']:.1e}",
            baseline="our scores",
            limit=f"{rounding['largest_relative']:.1e}",
        )


def equal_nodes(written: Mapping[str, Path], official: Mapping[str, Path]) -> tuple[int, int]:
    """Return how many nodes of graphs are equal, and how many there are in either."""
    equal, names = 0, 0
    for part, path in official.items():
        expected, received = (
            {node.name: node for node in GraphDef.FromString(file.read_bytes()).node} for file in (path, written[part])
        )
        names += len(expected.keys() | received.keys())
        equal += sum(received.get(name) == node for name, node in expected.items())
    return equal, names


def equal_weights(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many weights of two models are equal, and how many there are in the second."""
    pairs = [(one.get(layer, {}).get(name), value) for layer, values in other.items() for name, value in values.items()]
    return sum(found is not None and np.array_equal(found, value) for found, value in pairs), len(pairs)
