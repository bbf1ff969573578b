"""Draw ROC curves of runs and of performance files, with their ratio to a reference (docs/evaluation.md).

{plot-roc} --mlpath mlruns/1 --expID RUN_ID [RUN_ID ...]
{plot-roc} --mlpath mlruns/1 --expID RUN_ID --file v2p1=performance.json --reference v2p1 --against jet
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from TauAdv.cli.options import path
from TauAdv.errors import ConfigError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--mlpath", type=path, help="folder mlruns, or one experiment in it")
    add("--expID", nargs="+", default=[], metavar="RUN_ID", help="runs with a performance.json")
    add("--file", nargs="+", default=[], metavar="LABEL=FILE", help="performance.json of TauAdv or TauMLTools")
    add("--reference", metavar="LABEL", help="name of the run or label of the file to divide by (default: the first)")
    add("--against", nargs="+", default=[], choices=("e", "mu", "jet"), help="backgrounds (default: all)")
    add("--any-set", action="store_true", help="draw runs that were measured on different sets")
    add("--output", type=path, metavar="FOLDER", help="default: artifacts/plots of the first run")


def run(options: Namespace) -> None:
    """Draw."""
    files = dict(_labelled(text) for text in options.file)
    if len(files) < len(options.file):
        msg = f"--file: expected labels that differ, received {' '.join(options.file)}"
        raise ConfigError(msg)
    if (options.expID and options.mlpath is None) or not (options.expID or options.output):
        msg = "expected --mlpath with --expID; and --output FOLDER where no run is drawn"
        raise ConfigError(msg)
    if len(set(options.expID)) < len(options.expID):
        msg = f"--expID: expected runs that differ, received {' '.join(options.expID)}"
        raise ConfigError(msg)
    from TauAdv.evaluation.performance.comparison import compared_curves, read_performances
    from TauAdv.plotting.performance import save_roc_plots

    found = read_performances(options.mlpath, options.expID, files, any_set=options.any_set)
    curves = list(compared_curves(found, options.reference, options.against))
    folder = options.output or _plots_folder(options)
    periods = {label: performance.period for label, performance in found.items()}
    print("\n".join(str(one) for one in save_roc_plots(curves, folder, periods)))


def _labelled(text: str) -> tuple[str, Path]:
    label, separator, file = text.partition("=")
    if not (separator and label.strip() and file):
        msg = f"--file: expected LABEL=FILE, such as v2p1=performance.json; received {text}"
        raise ConfigError(msg)
    return label, path(file)


def _plots_folder(options: Namespace) -> Path:
    from TauAdv.runs import find_run

    return find_run(options.mlpath, options.expID[0]).artifacts / "plots"
