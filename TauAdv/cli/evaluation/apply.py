"""Apply the model of a run to a set of shards and write its prediction table into the run.

{apply} --mlpath mlruns/1 --expID RUN_ID --eval-ds shards/control
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import count, path
from TauAdv.cli.shared_options import add_overwrite


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--expID", required=True, metavar="RUN_ID", help="run whose model is applied")
    add("--mlpath", required=True, type=path, help="folder of its experiment, .../mlruns/EXPERIMENT_ID")
    add("--eval-ds", required=True, type=path, metavar="SHARDS", help="set of shards to evaluate")
    add("--n-tau", type=count, default=100, help="taus per batch (default 100)")
    add("--n-batches", type=count, default=None, help="most batches to evaluate (default: all taus of the set)")
    add("--not-adversarial", action="store_true", help="the model has no adversarial head")
    add_overwrite(parser, "replace predictions made with other options")


def run(options: Namespace) -> None:
    """Apply the run."""
    from TauAdv.evaluation.predictions.tables import apply_run

    apply_run(
        options.mlpath,
        options.expID,
        options.eval_ds,
        batch_size=options.n_tau,
        max_batches=options.n_batches,
        not_adversarial=options.not_adversarial,
        overwrite=options.overwrite,
    )
