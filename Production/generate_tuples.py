"""Simulate tau tuples: Pythia 8 events, a parametrised detector, one ROOT file per process and one of pseudo-data.

Example:
    python Production/generate_tuples.py --config Production/configs/simulation_shift_D.yaml --output tuples
        --cache events --n-workers 2 events.QCD=500
"""

from __future__ import annotations

import argparse
import sys

from TauAdv.config import load_settings
from TauAdv.config.options import count, path
from TauAdv.errors import report_errors
from TauAdv.simulation.produce import produce
from TauAdv.simulation.settings import SimulationSettings


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=path, help="YAML file, such as Production/configs/simulation_*.yaml")
    parser.add_argument("--output", type=path, required=True, help="folder of the ROOT files")
    parser.add_argument("--cache", type=path, required=True, help="folder of generated events, reused by later runs")
    parser.add_argument("--n-workers", type=count, default=1, help="worker processes")
    parser.add_argument("--overwrite", action="store_true", help="replace files made with other settings")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the file")
    return parser.parse_intermixed_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    options = arguments(argv)
    settings = load_settings(SimulationSettings, options.config, options.overrides)
    manifests = produce(settings, options.output, options.cache, n_workers=options.n_workers, overwrite=options.overwrite)
    for name, manifest in manifests.items():
        print(f"{options.output / name}.root: {manifest['counts']}", file=sys.stderr)


if __name__ == "__main__":
    main()
