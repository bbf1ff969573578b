"""Export the class head of a model as CMS graphs, ONNX or SavedModel, compared with the model's own scores.

{export} --format cms --expID RUN_ID --mlpath mlruns/1 --output exported
{export} --format onnx --model model.keras --features deeptau_v2p5 --output exported
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path, whole_number
from TauAdv.cli.shared_options import add_overwrite


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--format", required=True, metavar="FORMAT", help="what to write: cms (DeepTau only), onnx, savedmodel")
    add("--expID", metavar="RUN_ID", help="run whose model is exported")
    add("--mlpath", type=path, help="folder of its experiment, .../mlruns/EXPERIMENT_ID")
    add("--model", type=path, metavar="FILE.keras", help="model file, instead of a run")
    add("--output", required=True, type=path, metavar="FOLDER", help="folder to write")
    add("--name", help="name of the files (default: of the network)")
    add("--features", metavar="TABLE", help="feature table of a model without a recorded one, or 'none'")
    add("--with-preprocessing", action="store_true", help="take physical values: scaling and defaults are inside")
    add("--n-taus", type=whole_number, help="random taus or jets to compare on (default 500)")
    add("--seed", type=whole_number, help="of these (default 1)")
    add_overwrite(parser, "replace a folder made of another model or settings")


def run(options: Namespace) -> None:
    """Export the model."""
    from TauAdv.config import load_settings
    from TauAdv.models.export.source import find_model
    from TauAdv.taggers.exporting import ExportSettings, export_model

    settings = load_settings(ExportSettings, overrides={key: getattr(options, key) for key in ExportSettings.model_fields})
    source = find_model(options.model, mlpath=options.mlpath, run_id=options.expID)
    export_model(source, options.output, settings, overwrite=options.overwrite)
