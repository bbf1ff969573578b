"""Derive the working points of runs on genuine taus and write them into the runs (docs/evaluation.md).

{working-points} --mlpath mlruns/1 --expID RUN_ID --test shards/test
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides, add_overwrite, add_runs, runs_and_overrides


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add_runs(parser, "runs; each gets its own working_points.json")
    add("--test", type=path, metavar="SHARDS", help="classification set (default: the predictions in the run)")
    add_config(parser, "YAML of the settings (default: working_points)")
    add_overwrite(parser, "replace working points derived otherwise")
    add_overrides(parser, "changes of the settings, e.g. targets.jet.Medium=0.72 selection.abs_dz=null")


def run(options: Namespace) -> None:
    """Derive them."""
    from TauAdv.config import load_settings
    from TauAdv.evaluation.measures.working_points import SHIPPED
    from TauAdv.evaluation.performance.working_points import RunWorkingPointSettings, write_working_points

    runs, overrides = runs_and_overrides(options)
    settings = load_settings(RunWorkingPointSettings, options.config or SHIPPED, overrides)
    for run_id in runs:
        write_working_points(options.mlpath, run_id, options.test, settings=settings, overwrite=options.overwrite)
