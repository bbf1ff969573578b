"""Import a CMS DeepTau network from its three frozen graphs, checked against executing them.

{import-cms} --inner deepTau_2018v2p5_inner.pb --outer deepTau_2018v2p5_outer.pb
    --core deepTau_2018v2p5_core.pb --output deepTau_2018v2p5.keras --mlpath mlruns
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import number, path, whole_number
from TauAdv.cli.shared_options import add_overwrite

_PARTS = {"inner": "graph of the inner cells", "outer": "graph of the outer cells", "core": "graph of the rest"}


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    for part, use in _PARTS.items():
        add(f"--{part}", required=True, type=path, metavar="FILE", help=use)
    add("--output", required=True, type=path, metavar="MODEL.keras", help="model file to write")
    add("--mlpath", type=path, help="also record it as a run in this folder mlruns (or mlruns/EXPERIMENT_ID)")
    add("--experiment", help="name of the run's experiment (default: imported networks)")
    add("--features", metavar="TABLE", help="feature table of the network, or none (default: that of a public network)")
    add("--name", help="name of the network (default: the version in the name of the core's file)")
    add("--dropout", type=number, help="of further training; the graphs do not say it (default 0.2)")
    add("--n-taus", type=whole_number, help="random taus to compare on (default 500)")
    add("--seed", type=whole_number, help="of the random taus (default 1)")
    add_overwrite(parser, "replace a file made of other graphs or settings")


def run(options: Namespace) -> None:
    """Import the network."""
    from TauAdv.config import load_settings
    from TauAdv.models.cms.recording import ImportSettings, import_to_file

    given = {key: getattr(options, key) for key in ImportSettings.model_fields}
    settings = load_settings(ImportSettings, overrides=given)
    import_to_file(options.inner, options.outer, options.core, options.output, settings, overwrite=options.overwrite)
