"""The page of a comparison of runs: what it says in words, its tables, and a figure for each question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from TauAdv.io.file_names import file_name
from TauAdv.plotting.adaptation.bins import ALL_RUNS, plot_bins
from TauAdv.plotting.adaptation.curves import curves_of_entries
from TauAdv.plotting.adaptation.pairs import plot_pairs
from TauAdv.plotting.adaptation.ratios import plot_ratios
from TauAdv.plotting.adaptation.scale_factors import scale_factor_figures, scale_factor_lines, scale_factor_table
from TauAdv.plotting.adaptation.uncertainties import plot_uncertainties
from TauAdv.plotting.closure import plot_closure
from TauAdv.plotting.page import Picture, Section, write_page
from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.roc import plot_roc
from TauAdv.plotting.style import labelled, save_figure

__all__ = ["save_closure_page"]

#: What evaluation calls a comparison (``TauAdv.evaluation.adaptation.results.RunComparison``): plots import no other stage.
RunComparison = Any
PAGE = "index.html"
_FEWEST_PASSING = 10  # below which a ratio says nothing
_MOST_PANELS = 2  # runs beside each other in a figure of matrices
Named = tuple[str, str, str, Figure]  # file, alt text, caption, plot


def save_closure_page(
    comparison: RunComparison,
    folder: Path | str,
    *,
    verdict: Sequence[str],
    numbers: pd.DataFrame,
    stacks: Mapping[str, Sequence[Any]],
) -> Path:
    """Save the plots of a comparison (PDF and PNG) and the page that holds them; return the path of the page.

    Args:
        comparison: what was measured.
        folder: of the report. ``closure_{label}`` and ``roc`` are saved in it, all other plots in its folder ``plots``.
        verdict: sentences for the first lines.
        numbers: table of all numbers, a column for each entry.
        stacks: label of a run to the histograms of its scores; those of the first and of the last entry.
    """
    folder, label = Path(folder), comparison.settings.label
    with labelled(label.experiment, label.luminosity, label.energy):
        sections = [
            Section("In short", lines=verdict),
            Section("Numbers", _NUMBERS_TEXT, table=numbers),
            *_drawn(comparison, stacks, folder),
            Section("Above thresholds of the score", _REGIONS_TEXT, table=_regions(comparison)),
            Section("How it was made", lines=_made_with(comparison)),
        ]
    title = f"Closure of {', '.join(comparison.results_of)}"
    return write_page(folder / PAGE, title, sections, comparison.warnings)


def _drawn(comparison: RunComparison, stacks: Mapping[str, Sequence[Any]], folder: Path) -> Iterator[Section]:
    for heading, text, width, draw in (
        ("Data against simulation", _CLOSURE_TEXT, 640, _closure),
        ("In bins of decay mode, pT and |eta|", _BINS_TEXT, 1350, _bins),
        ("In bins of two variables", _PAIRS_TEXT, 660, _pairs),
        ("Uncertainties", _UNCERTAINTIES_TEXT, 660, _uncertainties),
        ("What it cost", _COST_TEXT, 640, _cost),
        ("What it cost in bins", _COST_BINS_TEXT, 660, _cost_in_bins),
    ):
        yield Section(heading, text, figures=_save(draw(comparison), folder), width=width)
    yield _scale_factors(comparison, folder)
    for run, found in stacks.items():
        drawn = _stacks(comparison, run, found)
        yield Section(f"Scores of {run}", _STACKS_TEXT, figures=_save(drawn, folder), width=440)


def _scale_factors(comparison: RunComparison, folder: Path) -> Section:
    return Section(
        "Scale factors",
        f"{_FACTORS_TEXT} {comparison.settings.scale_factors.explanation}",
        lines=scale_factor_lines(comparison),
        table=scale_factor_table(comparison),
        figures=_save(scale_factor_figures(comparison), folder),
        width=660,
    )


def _save(figures: Iterator[Named], folder: Path) -> list[Picture]:
    """Save figures: those whose names say a folder there."""
    found = []
    for name, alt, caption, figure in figures:
        paths = save_figure(figure, folder / Path(name).parent, Path(name).name)
        found.append(Picture(next(path for path in paths if path.suffix == ".png"), alt, caption))
    return found


def _closure(comparison: RunComparison) -> Iterator[Named]:
    grouped = {label: [result.quantile_histogram for result in results] for label, results in comparison.results_of.items()}
    caption = "A run that closes stays at 1, most of all at the right end, where analyses select."
    figure = plot_ratios(grouped, comparison.contributions, title="control region")
    yield "plots/ratios", f"Data/MC against the quantile of Djet for {', '.join(grouped)}", caption, figure
    for label, result in comparison.results.items():
        figure = plot_closure(
            result.quantile_histogram, comparison.contributions, title=label, notes=comparison.notes[label]
        )
        top = f"top {100 * comparison.settings.top_fraction:g} %"
        caption = f"{label}: data/MC = {result.closure.rate:.3f} in the {top}. Genuine taus are flat in this variable."
        name = file_name(label)
        yield f"closure_{name}", f"Data and stacked simulation against the quantile of Djet of {label}", caption, figure


def _bins(comparison: RunComparison) -> Iterator[Named]:
    results = comparison.results_of
    first = next(iter(comparison.results.values())).details.bins
    for axis in comparison.settings.axes:
        if first.rows(axis.name, "yield").empty:
            continue
        panels: dict[str, Any] = {"yield": {ALL_RUNS: first.rows(axis.name, "yield")}}
        for region in _top_regions(comparison):
            panels[f"shape, {region}"] = {
                label: [result.details.bins.rows(axis.name, "shape", region) for result in found]
                for label, found in results.items()
            }
        worst = _worst(first.rows(axis.name, "yield"))
        caption = f"Left: whether simulation has the taus of each bin ({worst}). Others: whether their scores agree there."
        figure = plot_bins(panels, axis.name, title="control region")
        alt = f"Data/MC in bins of {axis.name}: yields, and shapes of {', '.join(results)}"
        yield f"plots/bins_{file_name(axis.name.strip('|'))}", alt, caption, figure


def _worst(rows: pd.DataFrame) -> str:
    known = rows[rows["deviations"].notna()]
    if known.empty:
        return "too few taus to test"
    row = known.loc[known["deviations"].abs().idxmax()]
    return f"farthest off: {row['bin']}, {row['value']:.2f} ± {row['error']:.2f}"


def _pairs(comparison: RunComparison) -> Iterator[Named]:
    results = {label: found[0].details.bins for label, found in comparison.results_of.items()}
    labels = list(dict.fromkeys([next(iter(results)), list(results)[-1]]))[:_MOST_PANELS]
    region = _top_regions(comparison)[0]
    names = [axis.name for axis in comparison.settings.axes]
    for number, rows in enumerate(names):
        for columns in names[number + 1 :]:
            drawn = {label: results[label].rows(f"{rows} and {columns}", "shape", region) for label in labels}
            if all(len(table) for table in drawn.values()):
                figure = plot_pairs(drawn, (rows, columns), title=f"shape, {region}")
                caption = "Blue: simulation scores too high; red: too low. White: too few taus, or agreement."
                alt = f"Data/MC of the score in bins of {rows} and {columns}, for {', '.join(labels)}"
                name = re.sub(r"[^\w]+", "_", f"{rows} {columns}").strip("_")
                yield f"plots/pairs_{name}", alt, caption, figure


def _uncertainties(comparison: RunComparison) -> Iterator[Named]:
    table = comparison.uncertainties
    drawn_figures = {f"data/MC, {region}" for region in _top_regions(comparison)}  # the CSV has those of decay modes, too
    for number, (figure, rows) in enumerate(table.groupby("figure", sort=False)):
        if figure not in drawn_figures or not np.isfinite(rows["uncertainty"]).any():
            continue
        sources = {
            str(entry): dict(zip(part["source"], part["uncertainty"], strict=True))
            for entry, part in rows.dropna(subset=["uncertainty"]).groupby("entry", sort=False)
        }
        drawn = plot_uncertainties(sources, together="total", what=str(figure), title="control region")
        total = "; ".join(f"{entry} ± {found['total']:.3f}" for entry, found in sources.items())
        alt = f"Uncertainties of {figure}, apart and together, for {', '.join(sources)}"
        yield f"plots/uncertainties_{number + 1}", alt, f"{figure}: {total}.", drawn


def _cost(comparison: RunComparison) -> Iterator[Named]:
    curves = curves_of_entries({label: [r.roc for r in found] for label, found in comparison.results_of.items()})
    figure = plot_roc(curves, comparison.reference, title=r"labelled simulation, $\tau_h$ against jet")
    caption = f"The lower a curve, the fewer jets pass. Below 1 in the lower panel is better than {comparison.reference}."
    yield "roc", f"Jet misidentification against tau efficiency of {', '.join(curves)}", caption, figure


def _cost_in_bins(comparison: RunComparison) -> Iterator[Named]:
    """Draw ratios to the reference in bins, where there are any."""
    for axis in comparison.settings.axes:
        panels = {f"mis-id of {against}": _ratios(comparison, against, axis.name) for against in ("jet", "e", "mu")}
        panels = {heading: found for heading, found in panels.items() if found}
        if panels:
            value = f"Mis-id / {comparison.reference}"
            colors = run_colors(list(comparison.results_of))  # that of the reference is in other plots
            figure = plot_bins(panels, axis.name, title="labelled simulation", value_label=value, colors=colors)
            wanted = f"{100 * comparison.settings.working_points[0]:g} %"
            caption = f"At {wanted} efficiency. Above 1: more pass than with {comparison.reference}. "
            caption += "No point: fewer than 10 candidates of this run pass."
            alt = f"Misidentification relative to {comparison.reference} in bins of {axis.name}"
            yield f"plots/cost_{file_name(axis.name.strip('|'))}", alt, caption, figure


def _ratios(comparison: RunComparison, against: str, variable: str) -> dict[str, list[pd.DataFrame]]:
    """Return label of an entry -> rows of each of its trainings; the reference and entries without a ratio are left out."""
    found = {}
    for label, results in comparison.results_of.items():
        rows = [_prices(result.price, against, variable, comparison.settings.working_points[:1]) for result in results]
        if label != comparison.reference and any(each["value"].notna().any() for each in rows):
            found[label] = rows
    return found


def _prices(price: pd.DataFrame, against: str, variable: str, wanted: Sequence[float]) -> pd.DataFrame:
    """Return bin, value and error of the ratios of misidentification; those of fewer than 10 that pass are NaN."""
    chosen = (price["background"] == against) & (price["variable"] == variable) & price["at"].isin(wanted)
    rows = price[chosen & (price["quantity"] == "mis-id at efficiency")]
    known = rows["passed"] >= _FEWEST_PASSING
    return pd.DataFrame({"bin": rows["bin"], "value": rows["ratio"].where(known), "error": rows["ratio_error"].where(known)})


def _stacks(comparison: RunComparison, run: str, stacks: Sequence[Any]) -> Iterator[Named]:
    for stack in stacks:
        figure = plot_closure(stack.histogram, comparison.contributions, title=run, log=stack.logarithmic)
        caption = f"{run}: {stack.score}, simulation scaled to the total of data."
        if stack.name == "yadv":
            caption = (
                f"{run}: equal means do not prove that adaptation worked; a discriminator that failed to train has them."
            )
        yield (
            f"plots/{file_name(run, stack.name)}",
            f"Data and stacked simulation in {stack.score} of {run}",
            caption,
            figure,
        )


def _top_regions(comparison: RunComparison) -> list[str]:
    settings = comparison.settings
    return [f"top {100 * part:g} %" for part in dict.fromkeys((settings.top_fraction, settings.tight_fraction))]


def _regions(comparison: RunComparison) -> pd.DataFrame:
    rows = [
        {
            "run": label,
            "region": region.name,
            "data": str(region.data),
            "data/MC": "-" if np.isnan(region.rate.value) else f"{region.rate:.3f}",
            "chi2/ndf": _shown(region.chi2_per_ndf, ".2f"),
            "KS, p": _shown(region.p_ks, ".2g"),
            "mean |1 - ratio|": _shown(region.mean_deviation, ".3f"),
            "by chance": _shown(region.expected_deviation, ".3f"),
            "p of all": _shown(region.agreement.p_value, ".2g"),
            "verdict": region.agreement.verdict,
        }
        for label, result in comparison.results.items()
        for region in result.details.regions
    ]
    return pd.DataFrame(rows)


def _shown(value: float | None, spec: str) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:{spec}}"


def _made_with(comparison: RunComparison) -> list[str]:
    lines = [f"{label}: run {result.run_id}" for label, result in comparison.results.items()]
    counts = comparison.counts
    lines.append(f"Control region: {counts['control']} taus. Test set: {counts['test']} candidates.")
    lines.append("All numbers: comparison.json and the CSV files beside this page. How to read it: docs/evaluation.md.")
    return lines


_NUMBERS_TEXT = (
    "Of an entry with several trainings: mean ± spread. Errors of single trainings are statistical. p: probability of a"
    " larger difference if there is none."
)
_CLOSURE_TEXT = (
    "Control region, simulation scaled to the total of data. The axis is the part of genuine taus with a lower score, so"
    " that runs whose scores differ in scale can be compared. Bars: statistical; bands: spread of trainings, or the"
    " statistical error of simulation where hatched."
)
_BINS_TEXT = (
    "Yield: taus of a bin, whatever their score. Shape: the part of them in the top of the score. A rate that closes only"
    " because bins compensate each other shows here. Grey: two standard deviations."
)
_PAIRS_TEXT = "Data/MC of the shape, coloured by standard deviations from 1."
_UNCERTAINTIES_TEXT = (
    "One standard deviation of each source, the largest on top, and all together. Events: bootstrap of the control region."
    " Trainings: spread over seeds. Composition: each contribution scaled by its uncertainty."
)
_COST_TEXT = (
    "Labelled simulation. Curves of the same test set share its fluctuations: ratios are better known than bands say."
)
_COST_BINS_TEXT = (
    "The threshold is found in each bin, so that the same part of its taus passes. Errors: bootstrap that draws the same"
    " candidates for both runs."
)
_FACTORS_TEXT = (
    "Efficiency of genuine taus in data over that in simulation, control region. Working points: derived for each run on the"
    " labelled test set, as tauadv working-points does. Means: over the bins of decay mode and pT that both measured."
    " Statistics alone give a mean distance from 1 of about 0.8 times the statistical error."
)
_STACKS_TEXT = "Full range and [0.9, 1] in bins of 0.0025. Red arrows: ratios outside of the panel."
_REGIONS_TEXT = (
    "Data and simulation above a threshold: the top of the genuine taus, and working points by their efficiency on labelled"
    " taus. By chance: the mean |1 - ratio| that statistics alone give."
)
