"""Compare runs before and after adaptation: table, JSON, closure plots and ROC curves, all from the same taus.

{compare} RUN_ID RUN_ID ... --mlpath mlruns --control shards/control --test shards/test --output report
{compare} before=RUN_ID after=RUN_ID,RUN_ID --mlpath mlruns --control shards/control --test shards/test --output report

The first run is the nominal one. Several runs of one entry (LABEL=RUN_ID,RUN_ID), runs without a label that differ in their
seed alone, and the trainings of a sweep (its run id) are shown as a mean with a band.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_overwrite

if TYPE_CHECKING:
    from TauAdv.evaluation.adaptation.entries import Asked
    from TauAdv.evaluation.adaptation.results import RunComparison

_ROLES = {"nominal": "nominal", "fine_tune": "fine-tune k2=0", "adversarial": "adversarial"}
_RUN_IDS = re.compile(r"[0-9a-fA-F]{32}(,[0-9a-fA-F]{32})*")  # as MLflow makes them


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    what = "runs, as RUN_ID, LABEL=RUN_ID or LABEL=RUN_ID,RUN_ID (one entry); settings, as bins=10 or seed=2"
    add("words", nargs="*", metavar="RUN_ID", help=what)
    add("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    add("--nominal", metavar="RUN_ID", help="run before adaptation; the first one, as nominal=RUN_ID")
    add("--fine-tune", metavar="RUN_ID", help="fine-tune of the same schedule with k2 = 0: reference of the cost")
    add("--adversarial", metavar="RUN_ID", help="run after adaptation")
    add("--reference", metavar="LABEL", help="entry that the cost is compared with (a fine-tune with k2 = 0, or the first)")
    add("--control", required=True, type=path, metavar="SHARDS", help="adversarial set that no run was trained on")
    add("--test", required=True, type=path, metavar="SHARDS", help="classification set that no run was trained on")
    add("--output", required=True, type=path, metavar="FOLDER", help="where the report and the plots go")
    add("--contributions", type=path, metavar="FILE", help="control region, where --control does not say it")
    add("--no-log", action="store_true", help="leave the runs alone: no metrics in MLflow, no copy of the report")
    add_overwrite(parser, "replace a report of other runs, sets or settings")


def run(options: Namespace) -> None:
    """Compare the runs and draw the plots."""
    from TauAdv.config import load_settings
    from TauAdv.evaluation.adaptation.report import make_report
    from TauAdv.evaluation.adaptation.settings import ComparisonSettings

    _require_fine_tune(options)
    runs, overrides = _split(options.words, list(ComparisonSettings.model_fields))
    make_report(
        options.output,
        options.mlpath,
        [*_roles(options), *runs],
        options.control,
        options.test,
        reference=_reference(options),
        settings=load_settings(ComparisonSettings, overrides=overrides),
        contributions=options.contributions,
        overwrite=options.overwrite,
        draw=_draw,
        log=not options.no_log,
    )
    print(f"Page with all plots: {options.output / 'index.html'}")


def _roles(options: Namespace) -> list[Asked]:
    """Return the runs that are given by what they are."""
    from TauAdv.evaluation.adaptation.entries import Asked

    given = {label: getattr(options, role) for role, label in _ROLES.items()}
    return [Asked(tuple(ids.split(",")), label) for label, ids in given.items() if ids is not None]


def _require_fine_tune(options: Namespace) -> None:
    """Refuse a fine-tune with an adversary: the page would call it k2 = 0.

    Raises:
        InputError: names the run and its k2.
    """
    from TauAdv.errors import InputError
    from TauAdv.evaluation.adaptation.trainings import k2_of
    from TauAdv.runs import find_run

    for run in (find_run(options.mlpath, one) for one in (options.fine_tune or "").split(",") if one):
        if k2_of(run) not in (None, 0.0):
            msg = f"--fine-tune: {run.title} was trained with k2 = {k2_of(run):g}, expected 0; give it as --adversarial"
            raise InputError(msg)


def _reference(options: Namespace) -> str | None:
    """Return the label of the reference, if there is one by the roles that were given."""
    if options.reference is None and options.fine_tune is not None:
        return _ROLES["fine_tune"]
    return options.reference  # type: ignore[no-any-return]


def _split(words: Sequence[str], settings: list[str]) -> tuple[list[Asked], list[str]]:
    """Return what the words say of runs, and the settings among them.

    Raises:
        ConfigError: neither of both.
    """
    from TauAdv.errors import ConfigError, nearest
    from TauAdv.evaluation.adaptation.entries import Asked

    runs, overrides = [], []
    for word in words:
        label, separator, value = word.rpartition("=")
        if not separator:
            runs.append(Asked(tuple(word.split(","))))
        elif _RUN_IDS.fullmatch(value.strip(", ")):
            runs.append(Asked(tuple(value.split(",")), label))
        elif word.partition("=")[0].partition(".")[0] in settings:
            overrides.append(word)
        else:
            key = word.partition("=")[0]
            msg = f"{word}: {key} is no setting{nearest(key, settings)}, and {value!r} no run id (32 hexadecimal digits)"
            raise ConfigError(msg)
    return runs, overrides


def _draw(comparison: RunComparison, folder: Path) -> Any:
    """Save the plots of a comparison and the page that holds them."""
    from TauAdv.evaluation.adaptation.stacks import stacks_of
    from TauAdv.evaluation.adaptation.text import shown_numbers
    from TauAdv.evaluation.adaptation.verdict import verdict_lines
    from TauAdv.plotting.adaptation.page import save_closure_page

    runs = [next(iter(entry.runs)) for entry in (comparison.entries[0], comparison.entries[-1])]
    stacks = {run: stacks_of(comparison.results[run], comparison.contributions) for run in dict.fromkeys(runs)}
    texts: dict[str, Any] = {"verdict": verdict_lines(comparison), "numbers": shown_numbers(comparison)}
    return save_closure_page(comparison, folder, **texts, stacks=stacks)
