"""Simulate b, c and light jets: Pythia 8 events, a parametrised detector, one .json.gz file as the Jet Flavor dataset's.

Example:
    {jets generate} --config jets_nominal --output jets.json.gz --cache events --n-workers 2 events.TT=500
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_n_workers, add_overrides, add_overwrite


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser, "YAML file, or a name such as jets_nominal")
    parser.add_argument("--output", type=path, required=True, help="the .json.gz file")
    parser.add_argument("--cache", type=path, required=True, help="folder of generated events, reused by later runs")
    add_n_workers(parser)
    add_overwrite(parser, "replace a file made with other settings")
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Simulate."""
    from TauAdv.config import load_settings
    from TauAdv.simulation.jets.produce import produce_jets
    from TauAdv.simulation.jets.settings import JetSimulationSettings

    settings = load_settings(JetSimulationSettings, options.config, options.overrides)
    how = {"n_workers": options.n_workers, "overwrite": options.overwrite}
    manifest = produce_jets(settings, options.output, options.cache, **how)
    print(f"{options.output}: {manifest['counts']}", file=sys.stderr)
