"""Open MLflow's page of the runs in a folder: parameters, metrics, files. The folder may have been moved or copied.

{runs} --mlpath mlruns
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from TauAdv.cli.options import count, path


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--mlpath", type=path, default=Path("mlruns"), help="folder of the runs (default: mlruns)")
    parser.add_argument("--port", type=count, default=5000, help="of the page on this computer (default: 5000)")


def run(options: Namespace) -> None:
    """Open the page."""
    from TauAdv.runs.page import show_runs

    raise SystemExit(show_runs(options.mlpath, options.port))
