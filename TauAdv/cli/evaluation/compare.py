"""Compare runs before and after adaptation: table, JSON, closure plots and ROC curves, all from the same taus.

{compare} --mlpath mlruns/1 --nominal RUN_ID --adversarial RUN_ID --control shards/control --test shards/test --output report
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_overrides, add_overwrite

if TYPE_CHECKING:
    from TauAdv.evaluation.adaptation.comparison import RunComparison


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    add("--nominal", required=True, metavar="RUN_ID", help="run before adaptation")
    add("--fine-tune", metavar="RUN_ID", help="fine-tune of the same schedule with k2 = 0: reference of the cost")
    add("--adversarial", required=True, metavar="RUN_ID", help="run after adaptation")
    add("--control", required=True, type=path, metavar="SHARDS", help="adversarial set that no run was trained on")
    add("--test", required=True, type=path, metavar="SHARDS", help="classification set that no run was trained on")
    add("--output", required=True, type=path, metavar="FOLDER", help="where the report and the plots go")
    add("--contributions", type=path, metavar="FILE", help="control region, where --control does not say it")
    add_overwrite(parser, "replace a report of other runs, sets or settings")
    add_overrides(parser, "changes of the settings, e.g. bins=10 seed=2")


def run(options: Namespace) -> None:
    """Compare the runs and draw the plots."""
    from TauAdv.config import load_settings
    from TauAdv.evaluation.adaptation.comparison import ComparisonSettings
    from TauAdv.evaluation.adaptation.report import make_report

    runs = {"nominal": options.nominal, "fine-tune k2=0": options.fine_tune, "adversarial": options.adversarial}
    make_report(
        options.output,
        options.mlpath,
        {label: run_id for label, run_id in runs.items() if run_id},
        options.control,
        options.test,
        reference="fine-tune k2=0" if options.fine_tune else "nominal",
        settings=load_settings(ComparisonSettings, overrides=options.overrides),
        contributions=options.contributions,
        overwrite=options.overwrite,
        draw=_draw,
    )
    print("\n".join(str(path) for path in sorted(options.output.iterdir()) if path.suffix in {".pdf", ".png"}))


def _draw(comparison: RunComparison, folder: Path) -> None:
    """Save the plots of a comparison."""
    from TauAdv.plotting.comparison import save_comparison_plots

    save_comparison_plots(
        comparison.histograms,
        comparison.notes,
        comparison.curves,
        comparison.reference,
        comparison.contributions,
        folder,
    )
