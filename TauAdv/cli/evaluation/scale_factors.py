"""Measure data over simulation scale factors of working points in a control region: tables, correctionlib JSON, histograms.

{scale-factors} --mlpath mlruns/1 --expID BEFORE_ID AFTER_ID --control shards/control
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides, add_overwrite, add_runs, runs_and_overrides


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add_runs(parser, "runs; each gets its own folder scale_factors, and is compared with the first")
    add("--control", type=path, metavar="SHARDS", help="adversarial set (default: the predictions in each run)")
    add("--working-points", metavar="WP", help="2018v2p5 or a file of thresholds (default: those of each run)")
    add("--contributions", type=path, metavar="FILE", help="control region, where the manifests do not say it")
    add_config(parser, "YAML of the settings: method, bins, ...")
    add_overwrite(parser, "replace scale factors measured otherwise")
    add_overrides(parser, "changes of the settings, e.g. method=template pt_edges=[20,40,100]")


def run(options: Namespace) -> None:
    """Measure."""
    from TauAdv.config import load_settings
    from TauAdv.evaluation.scale_factors.report import make_scale_factors
    from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings
    from TauAdv.evaluation.scale_factors.tables import improvement_text

    runs, overrides = runs_and_overrides(options)
    found = make_scale_factors(
        options.mlpath,
        runs,
        options.control,
        settings=load_settings(ScaleFactorSettings, options.config, overrides),
        working_points=options.working_points,
        contributions=options.contributions,
        overwrite=options.overwrite,
    )
    first, *others = found.values()
    for other in others:
        print(improvement_text(first, other))
