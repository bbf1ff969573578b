"""An imported network in a file, and as a run that training can start from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from TauAdv.config import Settings, dump_settings
from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.models.cms.importing import ImportedModel, import_cms_model
from TauAdv.models.cms.known import NO_TABLE, choose_features
from TauAdv.models.cms.parts import read_graphs, version_of
from TauAdv.models.taus.feature_check import require_features
from TauAdv.runs import experiment_of, start_run
from TauAdv.runs.layout import FEATURES, MODEL, NETWORK

__all__ = ["STEP", "ImportSettings", "import_to_file"]

STEP = "import_cms_model"


class ImportSettings(Settings):
    """What an import takes and where it goes.

    Attributes:
        name: of the network; ``None``: the version in the name of the core's file.
        dropout: of further training; a frozen graph does not tell it.
        features: name or path of the feature table that the network was trained with; ``none``: not recorded; ``None``: that
            of a public network, recognised by its files.
        n_taus: random taus to compare with the graphs on.
        seed: of the random taus.
        mlpath: folder ``mlruns`` (or ``mlruns/EXPERIMENT_ID``) to record the network in as a run; ``None``: not recorded.
        experiment: name of the run's experiment, if ``mlpath`` does not name one.
    """

    name: str | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    features: str | None = None
    n_taus: Annotated[int, Field(ge=1)] = 500
    seed: Annotated[int, Field(ge=0)] = 1
    mlpath: Path | None = None
    experiment: str = "imported networks"


@locking("output")
def import_to_file(
    inner: Path | str,
    outer: Path | str,
    core: Path | str,
    output: Path | str,
    settings: ImportSettings | None = None,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Import a network, write it to a ``.keras`` file and, if asked for, record it as a run; return the manifest.

    An output that was made of the same graphs with the same settings is left as it is.

    Raises:
        InputError: as :func:`import_cms_model`, the name of ``output`` does not end in ``.keras``, or the feature table does
            not fit or is that of another network.
        OutputExistsError: if ``output`` was made otherwise.
    """
    settings, output, graphs = settings or ImportSettings(), Path(output), [inner, outer, core]
    if output.suffix != ".keras":
        msg = f"{output}: a model file is written; give it a name that ends in .keras"
        raise InputError(msg)
    read_graphs(*graphs)  # damaged and exchanged files are reported first
    choice = choose_features({"inner": Path(inner), "outer": Path(outer), "core": Path(core)}, settings.features)
    content = settings.model_dump(mode="json") | {"features": choice.table}
    if manifest := finished(output, step=STEP, settings=content, inputs=graphs, overwrite=overwrite):
        _say(f"{output}: made before of the same graphs; --overwrite makes it again", manifest)
        return manifest
    imported = import_cms_model(
        *graphs,
        name=settings.name or version_of(core),
        dropout=settings.dropout,
        n_taus=settings.n_taus,
        seed=settings.seed,
    )
    table = None if choice.table == NO_TABLE else FeatureTable.load(choice.table)
    if table is not None:
        require_features(imported.model.network, table)
    more = _figures(imported) | {"feature_table": {"name": choice.table, "chosen_by": choice.chosen_by}}
    counts = {"constants": imported.n_constants, "parameters": imported.model.count_params()}
    made: dict[str, Any] = {"step": STEP, "settings": content, "inputs": graphs, "counts": counts, "seed": settings.seed}
    with new_file(output) as temporary:
        imported.model.save(temporary)
        if settings.mlpath is not None:
            more["run"] = _record(imported, temporary, table, settings, more)
        manifest = write_manifest(output, **made, content=temporary, **more)
    _say(f"{output}: {imported.dialect}, all {imported.n_constants} weights used; {imported.comparison}", manifest)
    print(choice)
    print(f"the graphs against themselves in double precision: {imported.rounding}")
    print(f"both in double precision: {imported.double_precision.relative_difference:.1g} relative, all together")
    print(f"predictions: {imported.predictions}")
    return manifest


def _figures(imported: ImportedModel) -> dict[str, Any]:
    names = ("comparison", "double_precision", "rounding", "predictions")
    comparisons = {name: getattr(imported, name).as_dict() for name in names}
    return {"dialect": imported.dialect, **comparisons}


def _record(
    imported: ImportedModel, file: Path, table: FeatureTable | None, settings: ImportSettings, figures: dict[str, Any]
) -> dict[str, str]:
    """Record the network as a run and return how to find it."""
    mlruns, experiment = experiment_of(settings.mlpath or "mlruns", settings.experiment)
    network = imported.model.network
    tags = {"kind": "imported", "network": network.name, "dialect": imported.dialect}
    if table is not None:
        tags["feature_table"] = table.digest
    tags["feature_table_chosen_by"] = figures["feature_table"]["chosen_by"]
    with start_run(mlruns, experiment, network.name, tags) as run:
        run.log_text(dump_settings(network), NETWORK, checked=True)
        if table is not None:
            run.log_text(table.dump(), FEATURES, checked=True)
        run.log_params({**settings.model_dump(mode="json"), "dialect": imported.dialect})
        run.log_metrics(figures["comparison"], 0)
        with run.new_file(MODEL, checked=True) as temporary:
            shutil.copyfile(file, temporary)
    return {"id": run.id, "mlpath": str(run.mlpath)}


def _say(text: str, manifest: dict[str, Any]) -> None:
    print(text)
    if run := manifest.get("run"):
        start = f"model.pretrained.run_id={run['id']} model.pretrained.mlpath={run['mlpath']}"
        print(f"run {run['id']}; fine-tune it with {start}")
