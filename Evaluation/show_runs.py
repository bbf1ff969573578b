#!/usr/bin/env python3
"""Open MLflow's page of the runs in a folder: parameters, metrics, files. The folder may have been moved or copied.

python Evaluation/show_runs.py --mlpath mlruns
"""

from __future__ import annotations

import argparse
from pathlib import Path

from TauAdv.config.options import count, path
from TauAdv.errors import report_errors
from TauAdv.runs.page import show_runs


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mlpath", type=path, default=Path("mlruns"), help="folder of the runs (default: mlruns)")
    options.add_argument("--port", type=count, default=5000, help="of the page on this computer (default: 5000)")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line and open the page."""
    args = parser().parse_args(argv)
    raise SystemExit(show_runs(args.mlpath, args.port))


if __name__ == "__main__":
    main()
