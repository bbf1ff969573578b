"""Simulate tau tuples: Pythia 8 events, a parametrised detector, one ROOT file per process and one of pseudo-data.

Example:
    {generate} --config simulation_shift_D --output tuples --cache events --n-workers 2 events.QCD=500
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_n_workers, add_overrides, add_overwrite


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser, "YAML file, or a name such as simulation_nominal")
    parser.add_argument("--output", type=path, required=True, help="folder of the ROOT files")
    parser.add_argument("--cache", type=path, required=True, help="folder of generated events, reused by later runs")
    add_n_workers(parser)
    add_overwrite(parser, "replace files made with other settings")
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Simulate."""
    from TauAdv.config import load_settings
    from TauAdv.simulation.produce import produce
    from TauAdv.simulation.settings import SimulationSettings

    settings = load_settings(SimulationSettings, options.config, options.overrides)
    manifests = produce(settings, options.output, options.cache, n_workers=options.n_workers, overwrite=options.overwrite)
    for name, manifest in manifests.items():
        print(f"{options.output / name}.root: {manifest['counts']}", file=sys.stderr)
