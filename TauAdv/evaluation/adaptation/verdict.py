"""What a comparison says, in a few sentences: is there something to repair, was it repaired, what did it cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from TauAdv.evaluation.adaptation.results import RunComparison, RunResult
from TauAdv.evaluation.adaptation.uncertainties import moves_most
from TauAdv.evaluation.measures.agreement import SIGNIFICANCE, Agreement
from TauAdv.evaluation.measures.statistics import Measured

__all__ = ["verdict_lines"]

_SIGNIFICANT = 2.0  # standard deviations from which a change of the misidentification is called one


def verdict_lines(comparison: RunComparison) -> list[str]:
    """Return sentences that answer what a reader asks first; each number in them is in the report's JSON."""
    top = f"top {100 * comparison.settings.top_fraction:g} % of the score"
    (first, nominal), *others = comparison.results_of.items()
    lines = [_before(first, nominal, top, comparison), _in_bins(first, nominal), _yields(nominal[0])]
    for label, results in reversed(others):  # the one of interest is usually the last
        lines += [_after(label, results, top, comparison), _in_bins(label, results)]
    lines += [_cost(label, results, comparison) for label, results in reversed(comparison.results_of.items())]
    return [line for line in [*lines, *_uncertain(comparison)] if line]


def _before(label: str, results: Sequence[RunResult], top: str, comparison: RunComparison) -> str:
    found = {
        "disagree": "Something to repair: yes, data and simulation disagree",
        "agree": "Something to repair: nothing is seen, data and simulation agree",
        "too few taus": "Something to repair: there are too few taus to tell",
    }[comparison.agreement.verdict]
    return f"{found}. {label}: data/MC = {_rate(results)} in the {top}{_p(results)}."


def _after(label: str, results: Sequence[RunResult], top: str, comparison: RunComparison) -> str:
    verdicts = [result.closure.agreement.verdict for result in results if result.closure.agreement is not None]
    if comparison.agreement.verdict != "disagree":
        found = "not known, these taus show nothing to repair"
    elif all(verdict == "agree" for verdict in verdicts):
        found = "yes in the region as a whole, data and simulation agree"
    elif all(verdict == "disagree" for verdict in verdicts):
        found = "no, data and simulation disagree"
    elif "disagree" in verdicts:
        found = (
            f"in the region as a whole by {sum(verdict != 'disagree' for verdict in verdicts)} of {len(verdicts)} trainings"
        )
    else:
        found = "no disagreement is seen, but there are too few taus to speak of agreement"
    return f"Repaired by {label}: {found}. data/MC = {_rate(results)} in the {top}{_p(results)}."


def _in_bins(label: str, results: Sequence[RunResult]) -> str:
    """Return how the score closes in bins of decay mode, pT and |eta|: an inclusive rate can hide what compensates there."""
    tested = [found for result in results if (found := _shapes(result)) is not None]
    if not tested:
        return ""
    p_value, worst, _ = min(tested, key=lambda found: found[0])
    disagree = sum(is_seen for _, _, is_seen in tested)
    seen = "does not close in every bin" if disagree else "closes in every bin"
    if len(results) > 1:
        seen += f" in {disagree or len(tested)} of {len(results)} trainings"
    smallest = "p" if len(tested) == 1 else "smallest p"
    where = f"{worst['bin']}, {worst['region']}: data/MC = {worst['value']:.2f} ± {worst['error']:.2f}"
    text = f"the score of {label} {seen} ({smallest} = {p_value:.2g}). Farthest off: {where}."
    return f"Bins of decay mode, pT and |eta|: {text}"


def _shapes(result: RunResult) -> tuple[float, pd.Series, bool] | None:
    """Return the p-value of the shapes of a training, its worst bin, and whether the shapes disagree."""
    bins = result.details.bins
    rows = bins.table[(bins.table["quantity"] == "shape") & bins.table["p_value"].notna()]
    p_value = bins.global_p_value.get("shape", np.nan)
    if rows.empty or not np.isfinite(p_value):
        return None
    return p_value, rows.loc[rows["p_value"].idxmin()], p_value < _significance(result)


def _yields(result: RunResult) -> str:
    """Return whether simulation has the taus of each bin, whatever their score: the same for all runs."""
    bins = result.details.bins
    of_one = ~bins.table["variable"].str.contains(" and ")
    rows = bins.table[(bins.table["quantity"] == "yield") & bins.table["p_value"].notna() & of_one]
    p_value = bins.global_p_value.get("yield", np.nan)
    if rows.empty or not np.isfinite(p_value):
        return ""
    if p_value >= _significance(result):
        return f"Yields, the same for all runs: simulation has the taus of all bins (p = {p_value:.2g})."
    worst = rows.loc[rows["deviations"].abs().idxmax()]
    count = "too few" if worst["deviations"] > 0 else "too many"
    off = f"data/MC = {worst['value']:.2f} ± {worst['error']:.2f}, {abs(worst['deviations']):.1f} standard deviations"
    text = f"simulation has {count} taus of {worst['bin']} ({off}). Adaptation cannot repair yields."
    return f"Yields, the same for all runs: {text}"


def _significance(result: RunResult) -> float:
    return result.closure.agreement.significance if result.closure.agreement else SIGNIFICANCE


def _cost(label: str, results: Sequence[RunResult], comparison: RunComparison) -> str:
    """Return the jets that pass, relative to the reference, at the first working point."""
    known = [result.mis_id_ratio for result in results if result.mis_id_ratio]
    if not known:
        return ""
    wanted = comparison.settings.working_points[0]
    ratios = [each[0] for each in known]
    ratio = _mean(ratios)
    if min(each.value for each in ratios) == 0:
        return f"Cost of {label}: not known, no jet of the test set passes at {100 * wanted:g} % efficiency."
    # trainings share the test set: its error does not shrink with their number
    error = np.hypot(np.mean([each.error for each in ratios]), ratio.error / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0)
    off = (ratio.value - 1) / error if error > 0 else 0.0
    found = "as many jets pass as" if abs(off) < _SIGNIFICANT else f"{'more' if off > 0 else 'fewer'} jets pass than"
    end = "within the errors " if abs(off) < _SIGNIFICANT else ""
    return (
        f"Cost of {label}: {found} with {comparison.reference} {end}at {100 * wanted:g} % efficiency"
        f" (ratio {ratio.value:.2f} ± {ratio.error:.2f})."
    )


def _uncertain(comparison: RunComparison) -> list[str]:
    """Return what moves the results most, and what is not known of it."""
    found = moves_most(comparison.uncertainties)
    last = list(found)[-1:]  # what one is interested in; all are in the plots
    lines = [f"Most uncertain of {entry}: {found[entry]}." for entry in last]
    return [*lines, *(f"Not known: {text}." for text in comparison.not_varied)]


def _rate(results: Sequence[RunResult]) -> str:
    return f"{_mean([result.closure.rate for result in results]):.3f}"


def _mean(values: Sequence[Measured]) -> Measured:
    """Return one value, or of several the mean and their spread."""
    if len(values) == 1:
        return values[0]
    numbers = [value.value for value in values]
    return Measured(float(np.mean(numbers)), float(np.std(numbers, ddof=1)))


def _p(results: Sequence[RunResult]) -> str:
    tested: list[Agreement | None] = [result.closure.agreement for result in results]
    if len(tested) > 1 or tested[0] is None or tested[0].p_value is None:
        return f", {len(tested)} trainings" if len(tested) > 1 else ""
    return f" (p = {tested[0].p_value:.2g})"
