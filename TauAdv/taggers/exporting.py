"""Export the class head of a model: write, execute what was written, compare, and say what it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from TauAdv.config import Settings
from TauAdv.config.characters import of_characters
from TauAdv.errors import ConfigError, InputError, nearest
from TauAdv.io.atomic import new_folder
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.models.comparison import Agreement, Draw, GraphComparison, Scores, compare_all, compare_scores
from TauAdv.models.deeptau.double_precision import double_model, double_scores
from TauAdv.models.export.formats import Exported, Format
from TauAdv.models.export.source import ModelSource
from TauAdv.models.layer_weights import layer_weights
from TauAdv.models.tagger import Tagger
from TauAdv.models.transfer import copy_weights_by_name
from TauAdv.taggers.registry import read_tagger, tagger_of_model
from TauAdv.taggers.spec import TaggerSpec

__all__ = ["STEP", "ExportSettings", "export_model"]

STEP = "export_model"
#: Random taus on which a format is compared in double precision: this is slow for some, and a difference shows on any tau.
_TAUS_IN_DOUBLE_PRECISION = 10


class ExportSettings(Settings):
    """What to write.

    Attributes:
        format: one of those of the tagger, such as ``onnx`` or ``savedmodel``; of DeepTau also ``cms``: three frozen graphs
            as CMS software reads them.
        name: of the files; ``None``: of the network.
        features: feature table of a model without a recorded one; ``none``: there is none.
        n_taus: random taus to compare on.
        seed: of the random taus.
        with_preprocessing: the files take physical values: scaling, clipping and defaults of the feature table are inside.
    """

    format: str
    name: Annotated[str, of_characters(".-")] | None = None
    features: str | None = None
    n_taus: Annotated[int, Field(ge=1)] = 500
    seed: Annotated[int, Field(ge=0)] = 1
    with_preprocessing: bool = False


@locking("output")
def export_model(
    source: ModelSource, output: Path | str, settings: ExportSettings, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write the class head of a model into a folder, with ``features.json`` and ``manifest.json``; return the manifest.

    Raises:
        InputError: if the model cannot be read or has weights that are not finite, no feature table is known, or what was
            written does not give the model's scores.
        ConfigError: if the tagger has no such format.
        OutputExistsError: if the folder was made of another model or with other settings.
    """
    output, content = Path(output), settings.model_dump(mode="json")
    made = finished(output, step=STEP, settings=content, inputs=source.inputs, overwrite=overwrite, folder=True)
    if made:
        return made
    model = read_tagger(source.file)
    spec = tagger_of_model(model)
    form, table = _form(spec, settings), source.feature_table(settings.features, spec.rows)
    exported = _prepared(spec, model, source, table, settings)
    notes = form.notes(exported.network)
    with new_folder(output) as folder:
        form.write(exported, folder)
        if table is not None:
            (folder / "features.json").write_text(spec.feature_text(table, exported.network), encoding="utf-8")
        comparisons = _compare(_Originals.of(spec, exported), exported, form, folder, settings)
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
            both_in_double_precision=_figures(comparisons.get("both in float64", {})),
            notes=notes,
        )
    lines = [f"{output}, {name}: {comparison}" for name, comparison in comparisons["model"].items() if name != "float64"]
    lines.append("against the same network in double precision: " + _worst(comparisons["float64"]))
    print("\n".join([*lines, *notes]))
    return manifest


def _form(spec: TaggerSpec, settings: ExportSettings) -> Format:
    forms, name = spec.export_formats(), settings.format
    if name not in forms:
        known = f"expected one of {', '.join(forms)}" if forms else "it has none"
        msg = f"format '{name}'{nearest(name, list(forms))}: not a format of the tagger '{spec.name}'; {known}"
        raise ConfigError(msg)
    if settings.with_preprocessing and not forms[name].takes_preprocessing:
        able = [known for known, form in forms.items() if form.takes_preprocessing]
        more = f"; those that can: {', '.join(able)}" if able else "; features.json says how inputs are scaled"
        msg = f"--with-preprocessing: format '{name}' of the tagger '{spec.name}' cannot hold it{more}"
        raise ConfigError(msg)
    return forms[name]


def _prepared(spec: TaggerSpec, model: Tagger, source: ModelSource, table: Any, settings: ExportSettings) -> Exported:
    if table is not None:
        spec.require_features(model.network, table)
    elif settings.with_preprocessing:
        msg = f"{source.file}: --with-preprocessing needs the feature table of the model; give --features TABLE"
        raise InputError(msg)
    classifier = type(model).classifier(model.network)
    copy_weights_by_name(model, classifier, require_shapes=True)
    return Exported(
        classifier,
        layer_weights(classifier, str(source.file)),
        settings.name or re.sub(r"[^\w.-]", "_", model.network.name),
        {} if table is None else {"feature_table": table.name, "feature_table_digest": table.digest},
        spec.inference(classifier, with_adversarial_head=False),
        spec.double_network(model.network),
        table if settings.with_preprocessing else None,
    )


@dataclass(frozen=True)
class _Originals:
    """What files are compared with, and random inputs that they take.

    Attributes:
        references: name -> scores of the model, as predictions are made and in double precision.
        draw: from a number of rows and a seed to inputs.
    """

    references: Mapping[str, Scores]
    draw: Draw

    @classmethod
    def of(cls, spec: TaggerSpec, exported: Exported) -> _Originals:
        """Return those of a model; with preprocessing, inputs are physical values."""
        in_double = double_scores(double_model(exported.model, exported.double_network))
        table = exported.preprocessing
        if table is None:
            return cls({"model": exported.scores, "float64": in_double}, partial(spec.random_inputs, exported.network))
        references: dict[str, Scores] = {
            "model": lambda values: exported.scores(spec.preprocessed(exported.network, table, values)),
            "float64": lambda values: in_double(spec.preprocessed(exported.network, table, values)),
        }
        return cls(references, partial(spec.random_values, exported.network, table))


def _compare(
    originals: _Originals, exported: Exported, form: Format, folder: Path, settings: ExportSettings
) -> dict[str, dict[str, GraphComparison]]:
    """Return how far every way to execute the files is from the ``model`` and from it in ``float64``.

    Raises:
        InputError: if one does not give the model's scores.
    """
    references, draw = originals.references, originals.draw
    ways = form.execute(exported, folder)
    found = compare_all(references, ways, draw, n_taus=settings.n_taus, seed=settings.seed)
    # a format that keeps the weights was compared in double precision as it lies in the files: what remains is its rounding
    units = [found["float64"]["model"], *(found["float64"][name] for name in ways if form.keeps_weights)]
    allowed = Agreement.of_rounding(*units)
    problems = [f"{found['model'][name]}; {allowed}" for name in ways if not allowed.holds(found["model"][name])]
    if in_double := form.execute_in_double_precision(exported, folder):
        random = {"n_taus": _TAUS_IN_DOUBLE_PRECISION, "seed": settings.seed}
        difference = compare_scores(references["float64"], in_double, draw, **random)
        found["both in float64"] = {settings.format: difference}
        if not difference.relative_difference <= Agreement.DOUBLE_PRECISION:
            problems.append(f"in double precision {difference}, allowed {Agreement.DOUBLE_PRECISION:.0e} all together")
    if problems:
        msg = (
            f"network '{exported.name}' as {settings.format} does not give the model's scores: {'; '.join(problems)}; "
            "nothing was written"
        )
        raise InputError(msg)
    return found


def _figures(comparisons: Mapping[str, GraphComparison]) -> dict[str, Any]:
    return {name: comparison.as_dict() for name, comparison in comparisons.items() if name != "float64"}


def _worst(comparisons: Mapping[str, GraphComparison]) -> str:
    found = ", ".join(f"{name} {comparison.largest_relative:.2g}" for name, comparison in comparisons.items())
    return f"{found} of a row's largest score"
