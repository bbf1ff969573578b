"""All plots of a study of robustness, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.domain.classes import class_label
from TauAdv.io.file_names import file_name
from TauAdv.plotting.losses.history import plot_history
from TauAdv.plotting.page import Picture, Section, write_page
from TauAdv.plotting.plot_styles import RAW, disturbance_colors, line_styles, strengths
from TauAdv.plotting.robustness.matrices import plot_matrices
from TauAdv.plotting.robustness.shapes import plot_shapes
from TauAdv.plotting.robustness.summary import in_short
from TauAdv.plotting.robustness.trends import plot_epochs, plot_regions, plot_scan
from TauAdv.plotting.roc import plot_roc
from TauAdv.plotting.style import save_figure

__all__ = ["save_robustness_report"]

#: What evaluation calls a study (``TauAdv.evaluation.robustness.study.RobustnessStudy``): plots import no other stage.
RobustnessStudy = Any
_INPUTS_PER_PAGE = 12
_MOST_CURVES = 12
Named = tuple[str, str, Figure]  # name of its files, what it is of in words, plot


def save_robustness_report(study: RobustnessStudy, folder: Path | str) -> Path:
    """Save the plots of a study (PDF and PNG, in ``folder``/plots) and ``index.html``; return the path of the page.

    Args:
        study: what was measured.
        folder: that of the report (``write_robustness_report``), whose text is shown.
    """
    folder = Path(folder)
    text = folder / "robustness.txt"
    tables = Section("All numbers", report=text.read_text(encoding="utf-8") if text.is_file() else "")
    sections = [Section("In short", lines=lines), tables] if (lines := in_short(study)) else [tables]
    for heading, explanation, meaning, width, draw in _SECTIONS:
        pictures = [
            Picture(_save(figure, folder, name), f"{heading}, {subject}", f"{subject}: {meaning}")
            for name, subject, figure in draw(study)
        ]
        sections.append(Section(heading, explanation, figures=pictures, width=width))
    if len(study.divergences):
        explanation = "Largest divergences of a disturbed input from the raw one, all flavours together."
        sections.append(Section("Divergences of inputs", explanation, table=_largest_divergences(study.divergences)))
    title = f"Robustness of {', '.join(study.run_ids)}"
    return write_page(folder / "index.html", title, sections, study.warnings)


def _save(figure: Figure, folder: Path, name: str) -> Path:
    return next(path for path in save_figure(figure, folder / "plots", name) if path.suffix == ".png")


def _roc(study: RobustnessStudy) -> Iterator[Named]:
    if not study.roc:
        return
    colors = _colors(study)
    styles = line_styles(list(study.run_ids))
    figures = study.performance.set_index(["discriminator", "run", "disturbance"])
    for one in study.discriminators:
        drawn, note = _drawn_disturbances(study, one.name)
        curves, looks = {}, {}
        for (name, run, disturbance), curve in study.roc.items():
            if name == one.name and disturbance in drawn:
                row = figures.loc[name, run, disturbance]
                label = f"{run}, {disturbance}: AUC {row['auc']:.4f} ± {row['auc_error']:.4f}"
                curves[label], looks[label] = curve, (colors[disturbance], styles[run])
        sides: dict[str, Any] = {
            "signal": class_label(one.signal),
            "background": class_label(one.background or "Background"),
        }
        ranges: dict[str, Any] = {"efficiency_range": (0.0, 1.0), "mis_id_range": (1e-3, 1.0), "ratio_range": None}
        texts: dict[str, Any] = {"title": one.title, "legend_title": note}
        first = f"{next(iter(study.run_ids))}, {RAW}"
        yield (
            file_name("roc", one.name),
            one.title,
            plot_roc(curves, next(iter(curves)), looks=looks, ratio_label=first, **sides, **ranges, **texts),
        )


def _colors(study: RobustnessStudy) -> dict[str, str]:
    """Return the colours of disturbances in all plots of a study."""
    return disturbance_colors(list(study.settings.disturbances), study.settings.disturbances)


def _drawn_disturbances(study: RobustnessStudy, discriminator: str) -> tuple[list[str], str]:
    """Return the disturbances of which ROC curves are drawn, and a note on them.

    Where all would be too many to be distinguished: raw, and the one that costs the first run most.
    """
    names = list(dict.fromkeys(disturbance for name, _, disturbance in study.roc if name == discriminator))
    drawn = names
    if len(names) * len(study.run_ids) > _MOST_CURVES and set(names) - {RAW}:
        rows = study.performance
        rows = rows[(rows["discriminator"] == discriminator) & (rows["run"] == next(iter(study.run_ids)))]
        drawn = [RAW, rows.loc[rows[rows["disturbance"] != RAW]["auc"].idxmin(), "disturbance"]]
    left_out = [name for name in names if name not in drawn]
    lines = [strengths(study.settings.disturbances, drawn), f"(not drawn: {', '.join(left_out)})" if left_out else ""]
    return drawn, "\n".join(line for line in lines if line)


def _with_strength(study: RobustnessStudy, run: str, disturbances: Sequence[str]) -> str:
    """Return the title of a figure: a run, and how strong its disturbances are."""
    return "   ".join(text for text in (run, strengths(study.settings.disturbances, disturbances)) if text)


def _scores(study: RobustnessStudy) -> Iterator[Named]:
    for run in study.run_ids if study.scores else ():
        histograms = {name: histogram for (name, label), histogram in study.scores.items() if label == run}
        for disturbance in study.settings.shapes:
            title = _with_strength(study, run, [disturbance])
            figure = plot_shapes(histograms, disturbance, title=title, rows=study.rows)
            yield file_name("scores", run, disturbance), f"{run}, {disturbance}", figure


def _inputs(study: RobustnessStudy) -> Iterator[Named]:
    if study.inputs is None:
        return
    for run in study.run_ids:
        for disturbance in study.settings.shapes:
            rows = study.divergences
            rows = rows[(rows["run"] == run) & (rows["disturbance"] == disturbance)]
            kl = {(row["input"], row["flavour"]): row["kl"] for _, row in rows.iterrows()}
            names = study.inputs.names
            for start in range(0, len(names), _INPUTS_PER_PAGE):
                histograms = {name: study.inputs.histogram(name, run) for name in names[start : start + _INPUTS_PER_PAGE]}
                page = str(start // _INPUTS_PER_PAGE + 1)
                title = _with_strength(study, run, [disturbance])
                figure = plot_shapes(histograms, disturbance, kl, title=title)
                yield file_name("inputs", run, disturbance, page), f"{run}, {disturbance}, part {page}", figure


def _scan(study: RobustnessStudy) -> Iterator[Named]:
    for one in study.discriminators if len(study.scan) else ():
        table = study.scan[study.scan["discriminator"] == one.name]
        figure = plot_scan(table, study.settings.mistags, title=one.title, colors=_colors(study))
        yield file_name("scan", one.name), one.title, figure


def _epochs(study: RobustnessStudy) -> Iterator[Named]:
    if tables := _by_discriminator(study, study.epochs):
        title = _with_strength(study, "", study.settings.by_epoch)
        yield "epochs", "AUC by epoch", plot_epochs(tables, title=title, colors=_colors(study))


def _regions(study: RobustnessStudy) -> Iterator[Named]:
    tables = _by_discriminator(study, study.regions)
    drawn = [RAW, *study.settings.shapes[:1]]
    for variable in ("pt", "abs_eta") if tables else ():
        title = _with_strength(study, "", drawn)
        figure = plot_regions(tables, variable, drawn, title=title, colors=_colors(study))
        yield f"regions_{variable}", {"pt": "pt", "abs_eta": "|eta|"}[variable], figure


def _by_discriminator(study: RobustnessStudy, table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return title of a discriminator -> its rows."""
    titles = {one.name: one.title for one in study.discriminators}
    return {titles[name]: rows for name, rows in table.groupby("discriminator", sort=False)} if len(table) else {}


def _history(study: RobustnessStudy) -> Iterator[Named]:
    if len(study.history):
        yield "history", "losses by epoch", plot_history(study.history)


def _confusion(study: RobustnessStudy) -> Iterator[Named]:
    if not study.confusion:
        return
    classes = study.discriminators[0].classes
    options: dict[str, Any] = {"row_label": "True class", "column_label": "Most probable", "value_range": (0.0, 1.0)}
    for run in study.run_ids:
        found = {name: matrix for (label, name), matrix in study.confusion.items() if label == run}
        title = _with_strength(study, run, list(found))
        yield file_name("confusion", run), run, plot_matrices(found, classes, classes, title=title, **options)


def _transfer(study: RobustnessStudy) -> Iterator[Named]:
    if not len(study.transfer):
        return
    runs = list(study.run_ids)
    options: dict[str, Any] = {"row_label": "Made with", "column_label": "Read by", "value_range": (0.5, 1.0)}
    for disturbance, table in study.transfer.groupby("disturbance", sort=False):
        groups = _by_discriminator(study, table)
        values, errors = (
            {name: _square(rows, column, runs) for name, rows in groups.items()} for column in ("auc", "auc_error")
        )
        title = f"AUC under {strengths(study.settings.disturbances, [str(disturbance)]) or disturbance}"
        figure = plot_matrices(values, runs, runs, errors=errors, title=title, **options)
        yield file_name("transfer", disturbance), str(disturbance), figure


def _square(rows: pd.DataFrame, column: str, runs: list[str]) -> NDArray[np.float64]:
    return rows.pivot(index="made_with", columns="read_by", values=column).loc[runs, runs].to_numpy(np.float64)


def _largest_divergences(table: pd.DataFrame, number: int = 12) -> pd.DataFrame:
    whole = table[table["flavour"] == "all"].drop(columns="flavour")
    largest = whole.sort_values("kl", ascending=False).groupby(["run", "disturbance"], sort=False).head(number)
    return largest.assign(kl=largest["kl"].map("{:.3g}".format))


_ROC_TEXT = (
    "Full lines: the first run; ratio to its curve on raw inputs, arrows where it is outside of the panel. "
    "Bands: 68 % statistical. Of more than twelve curves, raw and the strongest disturbance are drawn."
)
_SCAN_TEXT = "Every run reads what was made with itself. Bands: one bootstrap standard deviation, cut at 0 and 1."
_SHAPES_TEXT = "Both sides are the same jets: ratios are better known than the bars say. Arrows: ratios outside."
_SECTIONS: tuple[tuple[str, str, str, int, Callable[[RobustnessStudy], Iterator[Named]]], ...] = (
    ("ROC curves", _ROC_TEXT, "the lower a curve, the less background passes.", 1000, _roc),
    ("Against eps", _SCAN_TEXT, "the flatter a curve, the more robust the run.", 900, _scan),
    (
        "Transfer",
        "Rows: the run that an attack was made with; columns: the run that reads it.",
        "a low AUC beside the diagonal means that an attack deceives a run that it was not made with.",
        1200,
        _transfer,
    ),
    ("In bins of pt and eta", "Errors: bootstrap.", "where a disturbance costs most.", 1400, _regions),
    (
        "Against the epoch",
        "Models of the epochs, each attacked with itself.",
        "how performance and robustness change while a run is trained.",
        1400,
        _epochs,
    ),
    ("Confusion", "Shares of each true class.", "the diagonal is what is recognised.", 1000, _confusion),
    ("Score shapes", _SHAPES_TEXT, "ratios far from 1 mean that jets cross a working point.", 1200, _scores),
    (
        "Input shapes",
        "Physical units; defaults and padding, which never move, are left out.",
        "ratios near 1 mean that a comparison of inputs would not show the disturbance.",
        1200,
        _inputs,
    ),
    (
        "Loss history",
        "Losses of attacked inputs are larger than those of the same inputs untouched.",
        "a validation loss that rises again means that training should have ended earlier.",
        900,
        _history,
    ),
)
