"""All plots of a study of robustness, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.plotting.looks import disturbance_colors, file_name, line_styles, words
from TauAdv.plotting.matrices import plot_matrices
from TauAdv.plotting.page import Section, write_page
from TauAdv.plotting.roc import plot_roc
from TauAdv.plotting.shapes import plot_shapes
from TauAdv.plotting.style import save_figure
from TauAdv.plotting.trends import plot_epochs, plot_history, plot_regions, plot_scan

__all__ = ["save_robustness_report"]

#: What evaluation calls a study (``TauAdv.evaluation.robustness.RobustnessStudy``): plots import no other stage.
RobustnessStudy = Any
RAW = "raw"
_INPUTS_PER_PAGE = 12
Named = tuple[str, Figure]


def save_robustness_report(study: RobustnessStudy, folder: Path | str) -> Path:
    """Save the plots of a study (PDF and PNG, in ``folder``/plots) and ``index.html``; return the path of the page.

    Args:
        study: what was measured.
        folder: that of the report (``write_robustness_report``), whose text is shown.
    """
    folder = Path(folder)
    text = folder / "robustness.txt"
    sections = [Section("Summary", report=text.read_text(encoding="utf-8") if text.is_file() else "")]
    for heading, explanation, width, draw in _SECTIONS:
        pictures = [_save(figure, folder, name) for name, figure in draw(study)]
        if pictures:
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
    colors = disturbance_colors([RAW, *study.settings.disturbances])
    styles = line_styles(list(study.run_ids))
    figures = study.performance.set_index(["discriminator", "run", "disturbance"])
    for one in study.discriminators:
        curves, looks = {}, {}
        for (name, run, disturbance), curve in study.roc.items():
            if name == one.name:
                row = figures.loc[name, run, disturbance]
                label = f"{run}, {disturbance}: AUC {row['auc']:.4f} ± {row['auc_error']:.4f}"
                curves[label], looks[label] = curve, (colors[disturbance], styles[run])
        reference = next(iter(curves))
        sides: dict[str, Any] = {"signal": words(one.signal), "background": words(one.background or "Background")}
        ranges: dict[str, Any] = {"efficiency_range": (0.0, 1.0), "mis_id_range": (1e-3, 1.0), "ratio_range": (0.0, 3.0)}
        figure = plot_roc(curves, reference, title=one.title, looks=looks, **sides, **ranges)
        figure.axes[1].set_ylabel("Ratio to\nthe first", loc="center", size=14)
        yield file_name("roc", one.name), figure


def _scores(study: RobustnessStudy) -> Iterator[Named]:
    for run in study.run_ids if study.scores else ():
        histograms = {name: histogram for (name, label), histogram in study.scores.items() if label == run}
        for disturbance in study.settings.shapes:
            yield file_name("scores", run, disturbance), plot_shapes(histograms, disturbance, title=run)


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
                yield file_name("inputs", run, disturbance, page), plot_shapes(histograms, disturbance, kl, title=run)


def _scan(study: RobustnessStudy) -> Iterator[Named]:
    for one in study.discriminators if len(study.scan) else ():
        table = study.scan[study.scan["discriminator"] == one.name]
        yield file_name("scan", one.name), plot_scan(table, study.settings.mistags, title=one.title)


def _epochs(study: RobustnessStudy) -> Iterator[Named]:
    if tables := _by_discriminator(study.epochs):
        yield "epochs", plot_epochs(tables)


def _regions(study: RobustnessStudy) -> Iterator[Named]:
    tables = _by_discriminator(study.regions)
    for variable in ("pt", "abs_eta") if tables else ():
        drawn = [RAW, *study.settings.shapes[:1]]
        yield f"regions_{variable}", plot_regions(tables, variable, drawn)


def _by_discriminator(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(name): rows for name, rows in table.groupby("discriminator", sort=False)} if len(table) else {}


def _history(study: RobustnessStudy) -> Iterator[Named]:
    if len(study.history):
        yield "history", plot_history(study.history)


def _confusion(study: RobustnessStudy) -> Iterator[Named]:
    if not study.confusion:
        return
    classes = study.discriminators[0].classes
    options: dict[str, Any] = {"row_label": "True class", "column_label": "Most probable", "value_range": (0.0, 1.0)}
    for run in study.run_ids:
        found = {name: matrix for (label, name), matrix in study.confusion.items() if label == run}
        yield file_name("confusion", run), plot_matrices(found, classes, classes, title=run, **options)


def _transfer(study: RobustnessStudy) -> Iterator[Named]:
    if not len(study.transfer):
        return
    runs = list(study.run_ids)
    options: dict[str, Any] = {"row_label": "Made with", "column_label": "Read by", "value_range": (0.5, 1.0)}
    for disturbance, table in study.transfer.groupby("disturbance", sort=False):
        groups = dict(list(table.groupby("discriminator", sort=False)))
        values, errors = (
            {name: _square(rows, column, runs) for name, rows in groups.items()} for column in ("auc", "auc_error")
        )
        title = f"AUC under {disturbance}"
        yield file_name("transfer", disturbance), plot_matrices(values, runs, runs, errors=errors, title=title, **options)


def _square(rows: pd.DataFrame, column: str, runs: list[str]) -> NDArray[np.float64]:
    return rows.pivot(index="made_with", columns="read_by", values=column).loc[runs, runs].to_numpy(np.float64)


def _largest_divergences(table: pd.DataFrame, number: int = 12) -> pd.DataFrame:
    whole = table[table["flavour"] == "all"].drop(columns="flavour")
    largest = whole.sort_values("kl", ascending=False).groupby(["run", "disturbance"], sort=False).head(number)
    return largest.assign(kl=largest["kl"].map("{:.3g}".format))


_SECTIONS: tuple[tuple[str, str, int, Callable[[RobustnessStudy], Iterator[Named]]], ...] = (
    ("ROC curves", "Full lines: the first run; ratio to its curve on raw inputs. Bands: 68 % statistical.", 460, _roc),
    ("Against eps", "Every run reads what was made with itself. Bands: one bootstrap standard deviation.", 560, _scan),
    ("Transfer", "Rows: the run that an attack was made with; columns: the run that reads it.", 760, _transfer),
    ("In bins of pt and eta", "Errors: bootstrap.", 1200, _regions),
    ("Against the epoch", "Models of the epochs, each attacked with itself.", 1200, _epochs),
    ("Confusion", "Shares of each true class.", 760, _confusion),
    ("Score shapes", "Both sides are the same jets: ratios are better known than the bars say.", 1200, _scores),
    ("Input shapes", "Physical units; defaults and padding, which never move, are left out.", 1200, _inputs),
    ("Loss history", "", 460, _history),
)
