"""The comparison of runs as a table to read: a column for each entry, with what is needed to read it below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from TauAdv.evaluation.adaptation.results import RunComparison, RunResult
from TauAdv.evaluation.adaptation.uncertainties import moves_most
from TauAdv.evaluation.measures.agreement import Agreement
from TauAdv.evaluation.measures.mis_id import MisId
from TauAdv.evaluation.measures.statistics import Measured

__all__ = ["Y_ADV_NOTE", "aligned", "as_text", "in_blocks", "shown_numbers"]

_WIDEST = 150  # characters of a line of the table
_MODE = "decay mode"
#: What equal means of the adversarial head's output say.
Y_ADV_NOTE = (
    "Equal means of y_adv do not prove that adaptation worked: a discriminator that failed to train also gives equal means."
)
_Cell = Callable[[RunResult], tuple[float | None, str]]


def as_text(comparison: RunComparison) -> str:
    """Return the comparison as a table, with what is needed to read it below."""
    table = shown_numbers(comparison)
    lines = [tuple(table.columns), *table.itertuples(index=False, name=None)]
    return "\n".join([*in_blocks(lines), "", *_explanations(comparison)]) + "\n"


def shown_numbers(comparison: RunComparison) -> pd.DataFrame:
    """Return the numbers as text: a row each, a column for each entry; the first column names them."""
    rows = [
        (name, *(_shown(cell, results) for results in comparison.results_of.values())) for name, cell in _lines(comparison)
    ]
    return pd.DataFrame(rows, columns=["", *comparison.results_of])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of text in columns, with a rule below the first."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    table.insert(1, "-" * len(max(table, key=len)))
    return table


def in_blocks(lines: Sequence[Sequence[str]], widest: int = _WIDEST) -> list[str]:
    """Return lines of text in columns; columns that do not fit beside each other follow below, the first one repeated."""
    widths = [max(map(len, column)) + 2 for column in zip(*lines, strict=True)]
    blocks: list[list[int]] = [[]]
    for column in range(1, len(widths)):
        if blocks[-1] and widths[0] + sum(widths[number] for number in (*blocks[-1], column)) > widest:
            blocks.append([])
        blocks[-1].append(column)
    found: list[str] = []
    for block in blocks:
        found += [*([""] if found else []), *aligned([[line[0], *(line[column] for column in block)] for line in lines])]
    return found


def _shown(cell: _Cell, results: Sequence[RunResult]) -> str:
    """Return the text of a cell: of several runs their mean and spread, with the digits of a single one."""
    found = [cell(result) for result in results]
    values = [value for value, _ in found if value is not None]
    if len(values) < len(results):
        return " | ".join(dict.fromkeys(text for _, text in found))  # p-values have no mean
    if len(results) == 1:
        return found[0][1]
    digits = len(found[0][1].partition(" ")[0].partition(".")[2])
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f} ({len(values)} runs)"


def _lines(comparison: RunComparison) -> Iterator[tuple[str, _Cell]]:
    settings = comparison.settings
    top = f"top {100 * settings.top_fraction:g} %"
    yield f"data/MC chi2/ndf of Djet, {top}", lambda result: _number(result.closure.chi2_per_ndf, ".2f")
    yield f"data/MC rate, {top}", lambda result: _measured(result.closure.rate)
    yield "p-value of data against MC, bins and rate", lambda result: (None, _p_value(result.closure.agreement))
    tight = f"top {100 * settings.tight_fraction:g} %"
    yield f"data/MC rate, {tight}", lambda result: _measured(result.details.region(tight).rate)
    for name in dict.fromkeys(name for result in comparison.results.values() for name in _modes(result)):
        yield f"data/MC rate, {top}, {name}", _rate_in(name, top)
    for quantity in ("yield", "shape"):
        yield f"global p-value of bins, {quantity}", _global(quantity)
    yield "AUC data against MC, on Djet", lambda result: _measured(result.auc_djet)
    yield "AUC data against MC, on e, mu, tau, jet", lambda result: _measured(result.auc_probabilities)
    yield "AUC domain head alone, frozen features", lambda result: _measured(result.auc_features)
    yield "  p-values: Djet, probabilities, features", lambda result: (None, _p_values(result))
    for side in ("data", "MC"):
        yield f"y_adv mean, {side}", _adversarial(side)
    yield "AUC tau against jet", lambda result: _measured(result.auc_tau_jet, ".4f")
    for number, efficiency in enumerate(settings.working_points):
        yield f"jet mis-id at {100 * efficiency:g} %, in %", _mis_id(number)
        yield f"  relative to {comparison.reference}", _ratio(number)


def _modes(result: RunResult) -> list[str]:
    return list(result.details.bins.rows(_MODE, "yield")["bin"])


def _rate_in(name: str, region: str) -> _Cell:
    def cell(result: RunResult) -> tuple[float | None, str]:
        rows = result.details.bins.rows(_MODE, "rate", region)
        found = rows[rows["bin"] == name]
        if found.empty or not np.isfinite(found["value"].iloc[0]):
            return None, "-"
        return _measured(Measured(float(found["value"].iloc[0]), float(found["error"].iloc[0])))

    return cell


def _global(quantity: str) -> _Cell:
    return lambda result: (None, f"{result.details.bins.global_p_value[quantity]:.2g}")


def _p_values(result: RunResult) -> str:
    return ", ".join(f"{value:.2g}" for value in result.domain_p_values.values())


def _number(value: float, spec: str) -> tuple[float, str]:
    return value, f"{value:{spec}}"


def _measured(value: Measured, spec: str = ".3f") -> tuple[float, str]:
    return value.value, f"{value:{spec}}"


def _adversarial(side: str) -> _Cell:
    return lambda result: (None, "-") if result.y_adv is None else _measured(result.y_adv[side][0], ".4f")


def _mis_id(number: int) -> _Cell:
    return lambda result: (100 * result.mis_id[number].mis_id.value, _percent(result.mis_id[number]))


def _ratio(number: int) -> _Cell:
    def cell(result: RunResult) -> tuple[float | None, str]:
        return (None, "1 (reference)") if result.mis_id_ratio is None else _measured(result.mis_id_ratio[number], ".2f")

    return cell


def _percent(mis_id: MisId) -> str:
    return f"{100 * mis_id.mis_id.value:.3g} ± {100 * mis_id.error:.2g}"


def _p_value(agreement: Agreement | None) -> str:
    return "-" if agreement is None or agreement.p_value is None else f"{agreement.p_value:.2g}"


_VERDICTS = {
    "disagree": "DISAGREEMENT between data and simulation of the nominal model: there is something to repair",
    "agree": "AGREEMENT of data and simulation of the nominal model: nothing to repair is seen",
    "too few taus": "TOO FEW TAUS TO TELL whether data and simulation of the nominal model agree",
}


def _verdict(agreement: Agreement) -> str:
    """Return what data say about the nominal model, in words."""
    text = f"{_VERDICTS[agreement.verdict]} ({agreement})."
    shift = agreement.smallest_shift
    if agreement.verdict == "too few taus" and math.isfinite(shift):
        more = (shift / agreement.relevant_shift) ** 2
        text += f" About {more:.1f} times as many would show a shift of {100 * agreement.relevant_shift:g} %."
    return text


def _most_deviating(comparison: RunComparison) -> str:
    """Return which bin of each run deviates most, and how the p-values of bins are counted."""
    texts = []
    for label, result in comparison.results.items():
        bins = result.details.bins
        if bins.most_deviating is not None:
            row = bins.table.loc[bins.most_deviating]
            where = f"{row['bin']}, {row['quantity']}" + ("" if row["quantity"] == "yield" else f" in {row['region']}")
            texts.append(f"{label}: {where} ({row['deviations']:+.1f} sigma)")
        texts += [f"{label}: {problem}" for problem in bins.problems]
    return (
        "Bins of decay mode, pT, |eta| and pairs: a rate is yield (taus in the bin) times shape (their scores); global"
        f" p-values count all bins. Largest deviations: {'; '.join(texts) or 'none was tested'}."
    )


def _explanations(comparison: RunComparison) -> list[str]:
    nominal = next(iter(comparison.results.values())).closure
    passing = " / ".join(str(mis_id.mis_id.passed) for mis_id in comparison.results[comparison.reference_run].mis_id)
    return [
        _verdict(comparison.agreement),
        f"Control region: {comparison.counts['control']} taus, {nominal.ndf} bins of equal genuine-tau population per model;"
        f" a perfect description scatters by {(2 / nominal.ndf) ** 0.5:.2f} in chi2/ndf, other seeds by more.",
        _most_deviating(comparison),
        *(f"{entry}: {text}." for entry, text in moves_most(comparison.uncertainties).items()),
        *(f"Not varied: {text}." for text in comparison.not_varied),
        *([Y_ADV_NOTE] if any(result.y_adv for result in comparison.results.values()) else []),
        f"MC is scaled to the total of data; before that data/MC is {nominal.overall:.3f}.",
        f"Test set: {comparison.counts['test']} candidates; {passing} jets of {comparison.reference} pass at the working"
        " points. Mis-id errors: counts and threshold; ratios: bootstrap of the common test set.",
        *(f"WARNING: {text}" for text in comparison.warnings),
    ]
