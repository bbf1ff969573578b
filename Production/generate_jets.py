"""Simulate b, c and light jets: Pythia 8 events, a parametrised detector, one .json.gz file as the Jet Flavor dataset's.

Example:
    python Production/generate_jets.py --config Production/configs/jets_nominal.yaml --output jets.json.gz
        --cache events --n-workers 2 events.TT=500
"""

from __future__ import annotations

import argparse
import sys

from TauAdv.config import load_settings
from TauAdv.config.options import count, path
from TauAdv.errors import report_errors
from TauAdv.simulation.jets.produce import produce_jets
from TauAdv.simulation.jets.settings import JetSimulationSettings


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=path, help="YAML file, such as Production/configs/jets_*.yaml")
    parser.add_argument("--output", type=path, required=True, help="the .json.gz file")
    parser.add_argument("--cache", type=path, required=True, help="folder of generated events, reused by later runs")
    parser.add_argument("--n-workers", type=count, default=1, help="worker processes")
    parser.add_argument("--overwrite", action="store_true", help="replace a file made with other settings")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the file")
    return parser.parse_intermixed_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    options = arguments(argv)
    settings = load_settings(JetSimulationSettings, options.config, options.overrides)
    manifest = produce_jets(
        settings, options.output, options.cache, n_workers=options.n_workers, overwrite=options.overwrite
    )
    print(f"{options.output}: {manifest['counts']}", file=sys.stderr)


if __name__ == "__main__":
    main()
