"""``ta.closure``, ``ta.roc``: what the reports measure, of any prediction table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from TauAdv.arguments import checked
from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.domain.discriminators import Discriminator
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.measures.closure import ClosureTest, closure_test
from TauAdv.evaluation.measures.roc import RocCurve, roc_curve
from TauAdv.evaluation.predictions.class_names import class_names
from TauAdv.evaluation.predictions.columns import finite_column, probability_column, require_columns, warn_of_repeated_rows
from TauAdv.evaluation.predictions.contributions import contributions_of_set, contributions_of_tables
from TauAdv.evaluation.predictions.tables import read_predictions
from TauAdv.runs import Run
from TauAdv.shards.store import ShardSet

__all__ = ["Given", "closure", "roc", "table_and_contributions"]

Given: TypeAlias = ShardSet | str | Path | Sequence[Contribution] | None
"""What dataset ids stand for: a set of shards, a file of the control region, or the contributions."""


@checked
def closure(predictions: pd.DataFrame | Run, contributions: Given = None, **options: Any) -> ClosureTest:
    """Compare data with simulation in the top part of a score (:func:`TauAdv.evaluation.measures.closure.closure_test`).

    Args:
        predictions: table of ``tagger.predict`` of a control region; or a run with predictions of ``tauadv apply``.
        contributions: what the dataset ids stand for: the set of shards, a file of the control region, or a list of
            contributions; default: what the manifests of the run's table say.
        options: ``fraction``, ``bins``, ``column``, ``edges``, ``normalise``.

    Raises:
        InputError: missing columns, contributions that are not known, no data or no simulation.
    """
    table, known = table_and_contributions(predictions, contributions)
    return closure_test(table, known, **options)


def table_and_contributions(predictions: pd.DataFrame | Run, given: Given) -> tuple[pd.DataFrame, list[Contribution]]:
    """Return the table, and what its dataset ids stand for.

    Raises:
        InputError: nothing says it.
    """
    runs = {"run": predictions} if isinstance(predictions, Run) else {}
    table = read_predictions(predictions, ["dataset_id"]) if isinstance(predictions, Run) else predictions
    warn_of_repeated_rows(table)
    if isinstance(given, ShardSet):
        return table, contributions_of_set(given)
    if given is None and not runs:
        msg = (
            "contributions: expected the set of shards, or a file of the control region: they say what dataset ids stand for"
        )
        raise InputError(msg)
    return table, contributions_of_tables(runs, given)


@checked
def roc(
    predictions: pd.DataFrame,
    signal: str = "tau",
    background: str | None = "jet",
    *,
    weighted: bool = True,
    efficiencies: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
) -> RocCurve:
    """Return misidentification against efficiency of P_signal / (P_signal + P_background).

    Args:
        predictions: table of ``tagger.predict`` of a set with classes.
        signal: name of a class.
        background: name of a class; ``None``: all others, with P_signal as score.
        weighted: count rows with their weights.
        efficiencies: of the signal; default: 0.1 to 0.99 in steps of 0.01.
        classes: names of the classes 0, 1, ... of the column y; default: what the table says that ``tagger.predict`` made;
            else e, mu, tau, jet or b, c, udsg, if the table has exactly their probabilities.

    Raises:
        InputError: a table without labels or of domains, no such class, a class against itself, a class without rows,
            values that are no probabilities, or a table that does not say which classes the numbers of y are.
    """
    require_columns(predictions, ["y", "weights"])
    warn_of_repeated_rows(predictions)
    if predictions.attrs.get("kind") == "adversarial":
        msg = "roc: this table is of an adversarial set, whose labels are data and simulation; expected one with classes"
        raise InputError(msg)
    names = class_names(predictions, classes)
    for name in (signal, background):
        if name is not None and name not in names:
            msg = f"roc: no class '{name}'{nearest(name, names)}; the table has {', '.join(names)}"
            raise InputError(msg)
    if signal == background:
        msg = f"roc: signal and background are both '{signal}'; expected another class, or background=None (all others)"
        raise InputError(msg)
    score = Discriminator(f"{signal} against {background or 'all others'}", signal, background, names)
    values = score.score(np.stack([probability_column(predictions, f"p_{name}") for name in names], axis=1))
    sides = score.sides(predictions["y"], "the table")
    weights = [finite_column(predictions, "weights")[rows] if weighted else None for rows in sides]
    return roc_curve(*(values[rows] for rows in sides), *weights, points=efficiencies)
