#!/usr/bin/env python
"""Export the class head of a model as CMS graphs, ONNX or SavedModel, compared with the model's own scores.

python Evaluation/export_model.py --format cms --expID RUN_ID --mlpath mlruns/1 --output exported
python Evaluation/export_model.py --format onnx --model model.keras --features deeptau_v2p5 --output exported
"""

from __future__ import annotations

import argparse

from TauAdv.config import load_settings
from TauAdv.config.options import path, whole_number
from TauAdv.errors import report_errors


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--format", required=True, choices=["cms", "onnx", "savedmodel"], help="what to write")
    options.add_argument("--expID", metavar="RUN_ID", help="run whose model is exported")
    options.add_argument("--mlpath", type=path, help="folder of its experiment, .../mlruns/EXPERIMENT_ID")
    options.add_argument("--model", type=path, metavar="FILE.keras", help="model file, instead of a run")
    options.add_argument("--output", required=True, type=path, metavar="FOLDER", help="folder to write")
    options.add_argument("--name", help="name of the files (default: of the network)")
    options.add_argument("--features", metavar="TABLE", help="feature table of a model without a recorded one, or 'none'")
    options.add_argument("--n_taus", type=whole_number, help="random taus to compare on (default 500)")
    options.add_argument("--seed", type=whole_number, help="of the random taus (default 1)")
    options.add_argument("--overwrite", action="store_true", help="replace a folder made of another model or settings")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line and export the model."""
    args = parser().parse_args(argv)
    # TensorFlow takes seconds to load: after the check of the command line
    from TauAdv.models.export.exporting import ExportSettings, export_model
    from TauAdv.models.export.source import find_model

    settings = load_settings(ExportSettings, overrides={key: getattr(args, key) for key in ExportSettings.model_fields})
    source = find_model(args.model, mlpath=args.mlpath, run_id=args.expID)
    export_model(source, args.output, settings, overwrite=args.overwrite)


if __name__ == "__main__":
    main()
