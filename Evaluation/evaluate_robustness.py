#!/usr/bin/env python
"""Evaluate taggers of jets or taus on a test set, as it is and under attacks: tables, plots and one HTML page.

python Evaluation/evaluate_robustness.py --mlpath mlruns/1 --nominal ID --adversarial ID --test jets/test --output report
python Evaluation/evaluate_robustness.py ... --parts roc --output roc disturbances.FGSM.eps=0.1 bootstrap=50
"""

from __future__ import annotations

import argparse

from TauAdv.config.options import path
from TauAdv.config.scalars import is_blank
from TauAdv.errors import InputError, report_errors
from TauAdv.evaluation.robustness_settings import PARTS, load_robustness_settings


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    options.add_argument("--nominal", required=True, metavar="RUN_ID", help="run that the others are compared with")
    options.add_argument("--adversarial", metavar="RUN_ID", help="run of an adversarial training")
    options.add_argument("--run", action="append", default=[], metavar="LABEL=RUN_ID", help="a further run; repeatable")
    options.add_argument(
        "--test", required=True, type=path, metavar="SHARDS", help="classification set that no run was trained on"
    )
    options.add_argument("--output", required=True, type=path, metavar="FOLDER", help="where tables, plots and page go")
    options.add_argument(
        "--parts", nargs="+", metavar="PART", help=f"what to measure and draw: {', '.join(PARTS)} (default: all)"
    )
    options.add_argument("--config", type=path, help="YAML of the settings (default: TauAdv/evaluation/robustness.yaml)")
    options.add_argument(
        "--overwrite", action="store_true", help="replace a report made otherwise, or predictions of an earlier model"
    )
    options.add_argument("settings", nargs="*", metavar="key=value", help="changes of the settings, e.g. eps=[0,0.1]")
    return options


def runs(args: argparse.Namespace) -> dict[str, str]:
    """Return label -> run id, the nominal run first."""
    pairs = [("nominal", args.nominal), ("adversarial", args.adversarial)]
    pairs += [tuple(text.rpartition("=")[::2]) for text in args.run]
    labels = [label for label, run_id in pairs if run_id is not None]
    if any(is_blank(word) for pair in pairs[2:] for word in pair) or len(set(labels)) < len(labels):
        msg = f"--run: expected LABEL=RUN_ID with labels that differ, received {', '.join(args.run)}"
        raise InputError(msg)
    return {label: run_id for label, run_id in pairs if run_id}


def parts_and_settings(args: argparse.Namespace) -> tuple[list[str] | None, list[str]]:
    """Return the parts, and all key=value: --parts takes those behind it for parts."""
    words = args.parts or []
    parts = [word for word in words if "=" not in word]
    if args.parts and not parts:
        msg = f"--parts: expected some of {', '.join(PARTS)}, received {' '.join(words)}"
        raise InputError(msg)
    return parts or None, [*args.settings, *(word for word in words if "=" in word)]


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line, measure, and draw."""
    args = parser().parse_intermixed_args(argv)
    parts, changes = parts_and_settings(args)
    settings = load_robustness_settings(args.config, changes)
    # TensorFlow takes seconds to load: after the checks of the command line
    from TauAdv.evaluation.robustness_report import make_robustness_report
    from TauAdv.plotting.robustness import save_robustness_report

    options = {"parts": parts, "overwrite": args.overwrite, "draw": save_robustness_report}
    make_robustness_report(args.output, args.mlpath, runs(args), args.test, settings=settings, **options)
    print(args.output / "index.html")


if __name__ == "__main__":
    main()
