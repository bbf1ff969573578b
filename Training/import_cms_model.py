#!/usr/bin/env python3
"""Import a CMS DeepTau network from its three frozen graphs, checked against executing them.

python Training/import_cms_model.py --inner deepTau_2018v2p5_inner.pb --outer deepTau_2018v2p5_outer.pb \
    --core deepTau_2018v2p5_core.pb --output deepTau_2018v2p5.keras --mlpath mlruns
"""

import argparse

from TauAdv.config import load_settings
from TauAdv.config.options import number, path, whole_number
from TauAdv.errors import report_errors


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for part, use in (
        ("inner", "graph of the inner cells"),
        ("outer", "graph of the outer cells"),
        ("core", "graph of the rest"),
    ):
        options.add_argument(f"--{part}", required=True, type=path, metavar="FILE", help=use)
    options.add_argument("--output", required=True, type=path, metavar="MODEL.keras", help="model file to write")
    options.add_argument(
        "--mlpath", type=path, help="also record it as a run in this folder mlruns (or mlruns/EXPERIMENT_ID)"
    )
    options.add_argument("--experiment", help="name of the run's experiment (default: imported networks)")
    options.add_argument(
        "--features", metavar="TABLE", help="feature table of the network, or none (default: that of a public network)"
    )
    options.add_argument("--name", help="name of the network (default: the version in the name of the core's file)")
    options.add_argument("--dropout", type=number, help="of further training; the graphs do not tell it (default 0.2)")
    options.add_argument("--n_taus", type=whole_number, help="random taus to compare on (default 500)")
    options.add_argument("--seed", type=whole_number, help="of the random taus (default 1)")
    options.add_argument("--overwrite", action="store_true", help="replace a file made of other graphs or settings")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line and import the network."""
    args = parser().parse_args(argv)
    # TensorFlow takes seconds to load: after the check of the command line
    from TauAdv.models.cms.recording import ImportSettings, import_to_file

    settings = load_settings(ImportSettings, overrides={key: getattr(args, key) for key in ImportSettings.model_fields})
    import_to_file(args.inner, args.outer, args.core, args.output, settings, overwrite=args.overwrite)


if __name__ == "__main__":
    main()
