#!/usr/bin/env python
"""Apply the model of a run to a set of shards and write its prediction table into the run."""

from __future__ import annotations

import argparse

from TauAdv.config.options import count, path
from TauAdv.errors import report_errors
from TauAdv.evaluation.predictions import apply_run


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--expID", required=True, metavar="RUN_ID", help="run whose model is applied")
    options.add_argument("--mlpath", required=True, type=path, help="folder of its experiment, .../mlruns/EXPERIMENT_ID")
    options.add_argument("--eval_ds", required=True, type=path, metavar="SHARDS", help="set of shards to evaluate")
    options.add_argument("--n_tau", type=count, default=100, help="taus per batch (default 100)")
    options.add_argument(
        "--n_batches", type=count, default=None, help="most batches to evaluate (default: all taus of the set)"
    )
    options.add_argument("--not_adversarial", action="store_true", help="the model has no adversarial head")
    options.add_argument("--overwrite", action="store_true", help="replace predictions made with other options")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line and apply the run."""
    args = parser().parse_args(argv)
    apply_run(
        args.mlpath,
        args.expID,
        args.eval_ds,
        batch_size=args.n_tau,
        max_batches=args.n_batches,
        not_adversarial=args.not_adversarial,
        overwrite=args.overwrite,
    )


if __name__ == "__main__":
    main()
