#!/usr/bin/env python
"""Compare runs before and after adaptation: table, JSON, closure plots and ROC curves, all from the same taus."""

from __future__ import annotations

import argparse
from pathlib import Path

from TauAdv.config import load_settings
from TauAdv.config.options import path
from TauAdv.errors import report_errors
from TauAdv.evaluation.comparison import Comparison, ComparisonSettings
from TauAdv.evaluation.report import make_report
from TauAdv.plotting.comparison import save_comparison_plots


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    options.add_argument("--nominal", required=True, metavar="RUN_ID", help="run before adaptation")
    options.add_argument(
        "--fine_tune", metavar="RUN_ID", help="fine-tune of the same schedule with k2 = 0: reference of the cost"
    )
    options.add_argument("--adversarial", required=True, metavar="RUN_ID", help="run after adaptation")
    options.add_argument(
        "--control", required=True, type=path, metavar="SHARDS", help="adversarial set that no run was trained on"
    )
    options.add_argument(
        "--test", required=True, type=path, metavar="SHARDS", help="classification set that no run was trained on"
    )
    options.add_argument("--output", required=True, type=path, metavar="FOLDER", help="where the report and the plots go")
    options.add_argument(
        "--contributions",
        type=path,
        metavar="FILE",
        help="control region, where --control does not say it",
    )
    options.add_argument("--overwrite", action="store_true", help="replace a report of other runs, sets or settings")
    options.add_argument("settings", nargs="*", metavar="key=value", help="changes of the settings, e.g. bins=10 seed=2")
    return options


def draw(comparison: Comparison, folder: Path) -> None:
    """Save the plots of a comparison."""
    save_comparison_plots(
        comparison.histograms,
        comparison.notes,
        comparison.curves,
        comparison.reference,
        comparison.contributions,
        folder,
    )


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line, compare the runs and draw the plots."""
    args = parser().parse_intermixed_args(argv)
    runs = {"nominal": args.nominal, "fine-tune k2=0": args.fine_tune, "adversarial": args.adversarial}
    make_report(
        args.output,
        args.mlpath,
        {label: run_id for label, run_id in runs.items() if run_id},
        args.control,
        args.test,
        reference="fine-tune k2=0" if args.fine_tune else "nominal",
        settings=load_settings(ComparisonSettings, overrides=args.settings),
        contributions=args.contributions,
        overwrite=args.overwrite,
        draw=draw,
    )
    print("\n".join(str(path) for path in sorted(args.output.iterdir()) if path.suffix in {".pdf", ".png"}))


if __name__ == "__main__":
    main()
