"""The validation page of simulated tuples: one figure per quantity, and an index with the sanity figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

import mplhep
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from TauAdv.domain.classes import class_color, class_label
from TauAdv.io.atomic import new_folder
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.plotting.page import Picture, Section
from TauAdv.plotting.page import write_page as write_report
from TauAdv.plotting.style import fit_label, label_figure, save_figure, style, with_ratio_panel

__all__ = ["ClassHistogram", "Figure", "Quantity", "draw_quantity", "write_page"]


class Quantity(Protocol):
    """What the plots need to know of a quantity."""

    @property
    def name(self) -> str:
        """Name of the file."""

    @property
    def label(self) -> str:
        """Axis label with unit."""

    @property
    def edges(self) -> np.ndarray:
        """Bin edges."""

    @property
    def logarithmic(self) -> bool:
        """Whether the vertical axis is logarithmic."""


class ClassHistogram(Protocol):
    """Entries per bin of one class in nominal and shifted samples."""

    @property
    def quantity(self) -> Quantity:
        """What is drawn."""

    @property
    def name(self) -> str:
        """Class: tau, jet, e or mu."""

    @property
    def process(self) -> str:
        """Process it is taken from."""

    @property
    def nominal(self) -> np.ndarray:
        """Entries."""

    @property
    def shifted(self) -> np.ndarray | None:
        """Entries, None without a shifted sample."""


class Figure(Protocol):
    """One number of the page's table."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def measured(self) -> float:
        """Its value."""

    @property
    def error(self) -> float:
        """Statistical error; 0: not given."""

    @property
    def asked(self) -> str:
        """Expected value (docs/simulation.md), as text."""


def _shape(counts: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return density and its statistical error."""
    norm = max(counts.sum(), 1) * np.diff(edges)
    return counts / norm, np.sqrt(counts) / norm


def _draw_ratio(axes: Axes, histogram: ClassHistogram, shifted_counts: np.ndarray, position: np.ndarray) -> None:
    edges = histogram.quantity.edges
    nominal, nominal_error = _shape(histogram.nominal, edges)
    shifted, shifted_error = _shape(shifted_counts, edges)
    filled = (histogram.nominal >= 5) & (shifted_counts >= 5)
    ratio = shifted[filled] / nominal[filled]
    error = ratio * np.hypot(nominal_error[filled] / nominal[filled], shifted_error[filled] / shifted[filled])
    axes.errorbar(
        position[filled],
        ratio,
        error,
        fmt=".",
        color=class_color(histogram.name),
        markersize=6,
        linewidth=1,
    )


def draw_quantity(histograms: Sequence[ClassHistogram], folder: Path) -> list[Path]:
    """Draw one quantity for all classes, lines nominal, points shifted, and save it; return the paths."""
    quantity = histograms[0].quantity
    edges = quantity.edges
    with style():
        figure, main, ratio = with_ratio_panel()
        for number, histogram in enumerate(histograms):
            color = class_color(histogram.name)
            # points of the classes side by side, so that their error bars can be distinguished
            position = edges[:-1] + np.diff(edges) * (0.5 + 0.15 * (number - (len(histograms) - 1) / 2))
            density, error = _shape(histogram.nominal, edges)
            label = f"{class_label(histogram.name)} ({histogram.process})"
            mplhep.histplot(density, edges, yerr=False, ax=main, color=color, label=label, linewidth=2)
            if histogram.shifted is None or not histogram.shifted.any():
                main.errorbar(position, density, error, fmt="none", color=color)
                continue
            shifted, shifted_error = _shape(histogram.shifted, edges)
            label = f"{class_label(histogram.name)}, shifted"
            main.errorbar(position, shifted, shifted_error, fmt="o", color=color, markersize=4, label=label)
            _draw_ratio(ratio, histogram, histogram.shifted, position)
        if quantity.logarithmic:
            main.set_yscale("log")
            main.set_ylim(top=main.get_ylim()[1] * 30)
        else:
            main.set_ylim(0, main.get_ylim()[1] * 1.25)
        main.set_ylabel("candidates / unit (normalised)")
        main.legend(ncols=2, loc="upper right")
        ratio.axhline(1, color="grey", linewidth=1)
        ratio.set(xlabel=quantity.label, ylabel="shifted / nominal", ylim=(0.5, 1.5), xlim=(edges[0], edges[-1]))
        fit_label(ratio, ratio.yaxis.label)
        label_figure(main, "Pythia 8, 13 TeV")
        return save_figure(figure, folder, quantity.name)


def write_page(histograms: Sequence[ClassHistogram], figures: Sequence[Figure], folder: Path | str) -> Path:
    """Draw every quantity (PDF and PNG) and write ``index.html``; return its path.

    A page that is there is replaced as a whole.

    Raises:
        OutputExistsError: if other files are in the folder.
        OutputLockedError: if another process writes the page.
    """
    folder = Path(folder).resolve()
    with output_lock(folder), new_folder(folder) as temporary:
        _write(histograms, figures, temporary)
        write_manifest(temporary, step="validate_simulation", settings={})
    return folder / "index.html"


def _write(histograms: Sequence[ClassHistogram], figures: Sequence[Figure], folder: Path) -> None:
    pictures = []
    for _, group in groupby(histograms, key=lambda histogram: histogram.quantity.name):
        drawn = list(group)
        png = next(path for path in draw_quantity(drawn, folder) if path.suffix == ".png")
        pictures.append(_picture(png, drawn))
    write_report(
        folder / "index.html",
        "Simulated tau candidates",
        [
            Section("Figures to be checked", "Expected values: docs/simulation.md.", table=_table(figures)),
            Section("Quantities", "Lines: nominal sample; points: shifted sample, where there is one.", figures=pictures),
        ],
    )


def _picture(png: Path, histograms: Sequence[ClassHistogram]) -> Picture:
    name = histograms[0].quantity.name
    classes = ", ".join(histogram.name for histogram in histograms)
    alt = f"{name} of simulated candidates of the classes {classes}"
    if any(histogram.shifted is not None for histogram in histograms):
        return Picture(png, alt, f"{name}: a ratio other than 1 is what the detector's shift does to it.")
    return Picture(png, alt, f"{name}: how the classes differ.")


def _table(figures: Sequence[Figure]) -> pd.DataFrame:
    rows = [(f.name, f"{f.measured:.3f}{f' ± {f.error:.3f}' if f.error else ''}", f.asked) for f in figures]
    return pd.DataFrame(rows, columns=["figure", "measured", "expected"])
