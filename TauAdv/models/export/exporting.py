"""Export the class head of a model: write, execute what was written, compare, and say what it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from TauAdv.config import Settings
from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.atomic import new_folder
from TauAdv.io.manifests import finished, write_manifest
from TauAdv.models.cms.compare import Comparison, Scores, compare_all
from TauAdv.models.cms.importing import predictions
from TauAdv.models.deeptau import build_classifier
from TauAdv.models.export.feature_file import feature_text
from TauAdv.models.export.formats import FORMATS, Exported, Format
from TauAdv.models.export.source import ModelSource
from TauAdv.models.feature_check import require_features
from TauAdv.models.layer_weights import layer_weights
from TauAdv.models.tagger import TauTagger, load_model
from TauAdv.models.transfer import copy_weights_by_name

__all__ = ["LARGEST_RELATIVE_DIFFERENCE", "ROUNDINGS", "STEP", "ExportSettings", "export_model"]

STEP = "export_model"
#: Allowed for all scores together: sqrt(sum of squared differences / sum of squared scores).
LARGEST_RELATIVE_DIFFERENCE = 1e-6
#: A single score may be off by this or, relative to the tau's largest score, by so many times the mean rounding of the
#: model's own scores in single precision (all together, from the same network in double precision).
ROUNDINGS = 50


class ExportSettings(Settings):
    """What to write.

    Attributes:
        format: ``cms``: three frozen graphs as CMS software reads them; ``onnx``; ``savedmodel``.
        name: of the files; ``None``: of the network.
        features: feature table of a model without a recorded one; ``none``: there is none.
        n_taus: random taus to compare on.
        seed: of the random taus.
    """

    format: Literal["cms", "onnx", "savedmodel"]
    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")] | None = None
    features: str | None = None
    n_taus: Annotated[int, Field(ge=1)] = 500
    seed: Annotated[int, Field(ge=0)] = 1


def export_model(
    source: ModelSource, output: Path | str, settings: ExportSettings, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write the class head of a model into a folder, with ``features.json`` and ``manifest.json``; return the manifest.

    Raises:
        InputError: if the model cannot be read or has weights that are not finite, no feature table is known, or what was
            written does not give the model's scores.
        OutputExistsError: if the folder was made of another model or with other settings.
    """
    output, content = Path(output), settings.model_dump(mode="json")
    made = finished(output, step=STEP, settings=content, inputs=source.inputs, overwrite=overwrite)
    if made:
        return made
    model, table = load_model(source.file), source.feature_table(settings.features)
    exported = _prepared(model, source, table, settings)
    form = FORMATS[settings.format]
    notes = form.notes(exported.network)
    with new_folder(output) as folder:
        form.write(exported, folder)
        if table is not None:
            (folder / "features.json").write_text(feature_text(table, exported.network), encoding="utf-8")
        comparisons = _compare(exported, form, folder, settings)
        counts = {"parameters": exported.model.count_params()}
        manifest = write_manifest(
            folder,
            step=STEP,
            settings=content,
            inputs=source.inputs,
            counts=counts,
            seed=settings.seed,
            comparison=_figures(comparisons["model"]),
            double_precision=_figures(comparisons["float64"]),
            notes=notes,
        )
    lines = [f"{output}, {name}: {comparison}" for name, comparison in comparisons["model"].items() if name != "float64"]
    lines.append("against the same network in double precision: " + _worst(comparisons["float64"]))
    print("\n".join([*lines, *notes]))
    return manifest


def _prepared(model: TauTagger, source: ModelSource, table: FeatureTable | None, settings: ExportSettings) -> Exported:
    if table is not None:
        require_features(model.network, table)
    classifier = build_classifier(model.network)
    copy_weights_by_name(model, classifier, require_shapes=True)
    metadata = {} if table is None else {"feature_table": table.name, "feature_table_digest": table.digest}
    name = settings.name or re.sub(r"[^\w.-]", "_", model.network.name)
    return Exported(classifier, layer_weights(classifier, str(source.file)), name, metadata)


def _compare(exported: Exported, form: Format, folder: Path, settings: ExportSettings) -> dict[str, dict[str, Comparison]]:
    """Return how far every way to execute the files is from the ``model`` and from it in ``float64``.

    Raises:
        InputError: if one does not give the model's scores.
    """
    references = {"model": predictions(exported.model), "float64": _double_precision(exported.model)}
    ways = form.execute(exported, folder)
    found = compare_all(references, ways, exported.network, n_taus=settings.n_taus, seed=settings.seed)
    single = max(LARGEST_RELATIVE_DIFFERENCE, ROUNDINGS * found["float64"]["model"].relative_difference)
    for name in ways:
        difference = found["model"][name]
        if difference.relative_difference > LARGEST_RELATIVE_DIFFERENCE or difference.largest_relative > single:
            msg = (
                f"network '{exported.name}' as {settings.format} ({name}) does not give the model's scores: {difference}; "
                f"allowed are {single:.1e} of the tau's largest score, {LARGEST_RELATIVE_DIFFERENCE:.0e} all together; "
                "nothing was written"
            )
            raise InputError(msg)
    return found


def _double_precision(model: TauTagger) -> Scores:
    """Return the scores of the model as they are without rounding, for practical purposes."""
    double = build_classifier(model.network, dtype="float64")
    copy_weights_by_name(model, double, require_shapes=True)

    def in_double(x: NDArray[Any]) -> NDArray[Any]:
        return x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x

    return lambda inputs: double({name: in_double(x) for name, x in inputs.items()}, training=False).numpy()


def _figures(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    return {name: comparison.as_dict() for name, comparison in comparisons.items() if name != "float64"}


def _worst(comparisons: Mapping[str, Comparison]) -> str:
    found = ", ".join(f"{name} {comparison.largest_relative:.2g}" for name, comparison in comparisons.items())
    return f"{found} of a tau's largest score"
