"""Export the class head of a model: write, execute what was written, compare, and say what it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.models.cms.compare import Comparison, compare_scores
from TauAdv.models.deeptau import build_classifier
from TauAdv.models.export.feature_file import feature_text
from TauAdv.models.export.formats import FORMATS, Exported, Format
from TauAdv.models.export.source import ModelSource
from TauAdv.models.feature_check import require_features
from TauAdv.models.layer_weights import layer_weights
from TauAdv.models.tagger import TauTagger, inference_function, load_model
from TauAdv.models.transfer import copy_weights_by_name
from TauAdv.outputs import finished, new_folder, write_manifest

__all__ = ["LARGEST_DIFFERENCE", "LARGEST_RELATIVE_DIFFERENCE", "STEP", "ExportSettings", "export_model"]

STEP = "export_model"
#: Allowed for all scores together, and for a single one: rounding in float32 alone moves single scores by 1e-6.
LARGEST_RELATIVE_DIFFERENCE, LARGEST_DIFFERENCE = 1e-6, 1e-5


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
        figures = {name: comparison.as_dict() for name, comparison in comparisons.items()}
        counts = {"parameters": exported.model.count_params()}
        manifest = write_manifest(
            folder,
            step=STEP,
            settings=content,
            inputs=source.inputs,
            counts=counts,
            seed=settings.seed,
            comparison=figures,
            notes=notes,
        )
    for line in (*(f"{output}, {name}: {comparison}" for name, comparison in comparisons.items()), *notes):
        print(line)
    return manifest


def _prepared(model: TauTagger, source: ModelSource, table: FeatureTable | None, settings: ExportSettings) -> Exported:
    if table is not None:
        require_features(model.network, table)
    classifier = build_classifier(model.network)
    copy_weights_by_name(model, classifier, require_shapes=True)
    metadata = {} if table is None else {"feature_table": table.name, "feature_table_digest": table.digest}
    name = settings.name or re.sub(r"[^\w.-]", "_", model.network.name)
    return Exported(classifier, layer_weights(classifier, str(source.file)), name, metadata)


def _compare(exported: Exported, form: Format, folder: Path, settings: ExportSettings) -> dict[str, Comparison]:
    """Return the comparison of every way to execute the files with the model."""
    compute = inference_function(exported.model)
    comparisons = {}
    for name, scores in form.execute(exported, folder).items():
        found = compare_scores(
            lambda inputs: compute(inputs).numpy(), scores, exported.network, n_taus=settings.n_taus, seed=settings.seed
        )
        allowed = found.relative_difference <= LARGEST_RELATIVE_DIFFERENCE and found.largest_difference <= LARGEST_DIFFERENCE
        if not allowed:
            msg = (
                f"network '{exported.name}' as {settings.format} ({name}) does not give the model's scores: {found}; "
                f"allowed are {LARGEST_DIFFERENCE:.0e} for a score, {LARGEST_RELATIVE_DIFFERENCE:.0e} all together; "
                "nothing was written"
            )
            raise InputError(msg)
        comparisons[name] = found
    return comparisons
