"""Evaluate taggers of jets or taus on a test set, as it is and under attacks: tables, plots and one HTML page.

{robustness} --mlpath mlruns/1 --nominal ID --adversarial ID --test jets/test --output report
{robustness} ... --parts roc --output roc disturbances.FGSM.eps=0.1 bootstrap=50
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides, add_overwrite
from TauAdv.errors import InputError
from TauAdv.evaluation.robustness.parts import PARTS


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    add("--nominal", required=True, metavar="RUN_ID", help="run that the others are compared with")
    add("--adversarial", metavar="RUN_ID", help="run of an adversarial training")
    add("--run", action="append", default=[], metavar="LABEL=RUN_ID", help="a further run; repeatable")
    add("--test", required=True, type=path, metavar="SHARDS", help="classification set that no run was trained on")
    add("--output", required=True, type=path, metavar="FOLDER", help="where tables, plots and page go")
    add("--parts", nargs="+", metavar="PART", help=f"what to measure and draw: {', '.join(PARTS)} (default: all)")
    add_config(parser, "YAML of the settings (default: robustness)")
    add_overwrite(parser, "replace a report made otherwise, or predictions of an earlier model")
    add_overrides(parser, "changes of the settings, e.g. eps=[0,0.1]")


def run(options: Namespace) -> None:
    """Measure and draw."""
    from TauAdv.evaluation.robustness.settings import load_robustness_settings

    parts, changes = _parts_and_settings(options)
    settings = load_robustness_settings(options.config, changes)
    # TensorFlow takes seconds to load: after the checks of the command line
    from TauAdv.evaluation.robustness.report import make_robustness_report
    from TauAdv.plotting.robustness.study import save_robustness_report

    how = {"parts": parts, "overwrite": options.overwrite, "draw": save_robustness_report}
    make_robustness_report(options.output, options.mlpath, _runs(options), options.test, settings=settings, **how)
    print(options.output / "index.html")


def _runs(options: Namespace) -> dict[str, str]:
    """Return label -> run id, the nominal run first."""
    from TauAdv.config.scalars import is_blank

    if options.adversarial == options.nominal:
        msg = f"run {options.nominal} is given as nominal and as adversarial: it would be compared with itself"
        raise InputError(f"{msg}; give another run, or leave --adversarial out")
    pairs = [("nominal", options.nominal), ("adversarial", options.adversarial)]
    pairs += [tuple(text.rpartition("=")[::2]) for text in options.run]
    labels = [label for label, run_id in pairs if run_id is not None]
    if any(is_blank(word) for pair in pairs[2:] for word in pair) or len(set(labels)) < len(labels):
        msg = f"--run: expected LABEL=RUN_ID with labels that differ, received {', '.join(options.run)}"
        raise InputError(msg)
    return {label: run_id for label, run_id in pairs if run_id}


def _parts_and_settings(options: Namespace) -> tuple[list[str] | None, list[str]]:
    """Return the parts, and all key=value: --parts takes those behind it for parts."""
    words = options.parts or []
    parts = [word for word in words if "=" not in word]
    if options.parts and not parts:
        msg = f"--parts: expected some of {', '.join(PARTS)}, received {' '.join(words)}"
        raise InputError(msg)
    return parts or None, [*options.overrides, *(word for word in words if "=" in word)]
