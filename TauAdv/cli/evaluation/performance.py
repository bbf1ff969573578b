"""Measure AUC, ROC curves and working points of runs on labelled taus, in bins, into performance.json (docs/evaluation.md).

{performance} --mlpath mlruns/1 --expID RUN_ID --test shards/test
{performance} --mlpath mlruns/1 --expID RUN_ID --test shards/test --working-points 2018v2p5
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides, add_overwrite, add_runs, runs_and_overrides


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add_runs(parser, "runs; each gets its own performance.json")
    add("--test", type=path, metavar="SHARDS", help="classification set (default: the predictions in the run)")
    add("--working-points", metavar="WP", help="2018v2p5 or a file of thresholds (default: those of each run)")
    add(
        "--disturbed",
        action="store_true",
        help="also the taus that tauadv robustness disturbed, as it left them in the runs",
    )
    add_config(parser, "YAML of the settings: bins, backgrounds, ...")
    add_overwrite(parser, "replace files measured otherwise")
    add_overrides(parser, "changes of the settings, e.g. pt_bins=[[20,40],[40,100]]")


def run(options: Namespace) -> None:
    """Measure."""
    from TauAdv.config import load_settings
    from TauAdv.evaluation.performance.report import write_performance
    from TauAdv.evaluation.performance.settings import PerformanceSettings

    runs, overrides = runs_and_overrides(options)
    how = {
        "settings": load_settings(PerformanceSettings, options.config, overrides),
        "working_points": options.working_points,
        "disturbed": options.disturbed,
        "overwrite": options.overwrite,
    }
    for run_id in runs:
        write_performance(options.mlpath, run_id, options.test, **how)
