"""Resume a training or a sweep that was interrupted, or let it train longer, with its own settings.

tauadv resume RUN_ID --mlpath mlruns
tauadv resume RUN_ID --mlpath mlruns/1 schedule.n_epochs=40
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.shared_options import add_overrides
from TauAdv.cli.training.start import add_dry_run, add_mlpath, resume


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("run_id", metavar="RUN_ID", help="run to resume")
    add_mlpath(parser, "folder mlruns, or the experiment in it (mlruns)")
    add_dry_run(parser)
    add_overrides(parser, "n_epochs, places of the inputs, and other settings that leave the steps as they are")


def run(options: Namespace) -> None:
    """Resume."""
    resume(options.mlpath, options.run_id, options.overrides, dry_run=options.dry_run)
