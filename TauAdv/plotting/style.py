"""Common look of the plots, and saving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import mplhep
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from TauAdv.arguments import checked
from TauAdv.config.scalars import is_blank
from TauAdv.errors import InputError, shortened
from TauAdv.io.atomic import require_writable
from TauAdv.io.checked_files import new_listed_file
from TauAdv.io.ownership import require_own_file, require_own_list

__all__ = [
    "WIDEST",
    "Drawn",
    "add_legend",
    "add_legend_below",
    "add_legend_beside",
    "fit_label",
    "head_figure",
    "label_figure",
    "labelled",
    "require_own_figures",
    "save_figure",
    "style",
    "with_ratio_panel",
]

#: Inches of the widest figure whose letters can still be read in print.
WIDEST = 14.0
FORMATS = ("pdf", "png")
_LABEL: ContextVar[tuple[str, str]] = ContextVar("label", default=("TauAdv", ""))
# size for a page or a slide; the style of mplhep is made for a square of 10 x 10 inches
_OVERRIDES = {
    "figure.figsize": (8, 8),
    "font.size": 18,
    "axes.labelsize": 20,
    "legend.fontsize": 12.5,
    "xtick.labelsize": 16,
    "ytick.labelsize": 16,
    "xtick.major.pad": 10,  # labels at the corner of both axes stay apart
}


class Drawn(Protocol):
    """What the plots need to know of a contribution."""

    @property
    def name(self) -> str:
        """Name in the histogram."""

    @property
    def label(self) -> str:
        """Text of the legend."""

    @property
    def color(self) -> str:
        """Any matplotlib colour."""

    @property
    def data(self) -> bool:
        """Drawn as points rather than stacked."""


@contextmanager
def style() -> Iterator[None]:
    """Draw within the block in the common style; nothing outside changes."""
    sheet: dict[str, Any] = {key: value for key, value in mplhep.style.CMS.items() if value is not None}
    with pyplot.style.context([sheet, _OVERRIDES]):
        yield


def with_ratio_panel(height: float = 3.0) -> tuple[Figure, Axes, Axes]:
    """Return a figure with a main panel, ``height`` times as high as the ratio panel below it, and both panels."""
    figure, (main, ratio) = pyplot.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (height, 1), "hspace": 0.08})
    return figure, main, ratio


@contextmanager
def labelled(experiment: str = "TauAdv", luminosity: str = "", energy: str = "") -> Iterator[None]:
    """Write within the block above every figure whose data it shows.

    Args:
        experiment: for example ``CMS Preliminary``.
        luminosity: with its unit, for example ``59.8 fb$^{-1}$``.
        energy: of the collisions, with its unit, for example ``13 TeV``.
    """
    beams = f"{luminosity} ({energy})" if luminosity and energy else luminosity or energy
    before = _LABEL.set((experiment, beams))
    try:
        yield
    finally:
        _LABEL.reset(before)


def label_figure(axes: Axes, title: str) -> None:
    """Write ``title`` above the right end of a panel, and whose data it is (see :func:`labelled`) above the left end."""
    experiment, beams = _LABEL.get()
    name = axes.text(0, 1.01, experiment, transform=axes.transAxes, weight="bold", va="bottom", size=20)
    text = axes.text(1, 1.01, _joined(title, beams), transform=axes.transAxes, ha="right", va="bottom", size=16)
    needed = sum(each.get_window_extent().width for each in (name, text))
    if needed > (room := 0.97 * axes.get_window_extent().width):
        for each in (name, text):
            each.set_fontsize(max(8.0, float(each.get_fontsize()) * room / needed))


def head_figure(figure: Figure, title: str) -> None:
    """Write the same above a figure with several panels and a constrained layout."""
    experiment, beams = _LABEL.get()
    name = r"$\bf{" + experiment.replace(" ", r"\ ") + "}$"
    figure.suptitle("   ".join(text for text in (name, _joined(title, beams)) if text), x=0.01, ha="left", size=16)


def _joined(*texts: str) -> str:
    return ", ".join(text for text in texts if text)


def add_legend(axes: Axes, **options: Any) -> None:
    """Add a legend, unless nothing with a label was drawn (a warning of matplotlib otherwise)."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(**options)


def add_legend_beside(axes: Axes, *, title: str = "", **options: Any) -> None:
    """Add a legend to the right of a panel, where it covers nothing; all entries are there, whatever their number.

    Args:
        axes: panel.
        title: lines above the entries.
        options: of matplotlib's legend.
    """
    if axes.get_legend_handles_labels()[1]:
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0), "borderaxespad": 0.0}
        look: dict[str, Any] = {"handlelength": 3.2, "title": title or None, "alignment": "left"}
        legend = axes.legend(**(place | look | options))
        legend.get_title().set_fontsize(legend.get_texts()[0].get_fontsize())


def add_legend_below(figure: Figure, *panels: Axes, **options: Any) -> None:
    """Add one legend with the entries of some panels below a figure that has a constrained layout."""
    entries = {label: key for panel in panels for key, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    labels, handles = list(entries), list(entries.values())
    if labels:
        columns = int(figure.get_figwidth() / (0.7 + 0.12 * max(map(len, labels))))  # inches of key and letters
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": max(1, min(len(labels), columns))}
        figure.legend(handles, labels, **(place | options))


def fit_label(axes: Axes, label: Text, smallest: float = 8.0) -> None:
    """Make the label of an axis as small as it has to be to end where its panel ends.

    Args:
        axes: panel, at its final size.
        label: ``axes.xaxis.label`` or ``axes.yaxis.label``.
        smallest: size in points that it is not made smaller than.
    """
    side = "height" if label is axes.yaxis.label else "width"
    needed, room = (getattr(box, side) for box in (label.get_window_extent(), axes.get_window_extent()))
    if needed > 0.97 * room:
        label.set_fontsize(max(smallest, 0.95 * float(label.get_fontsize()) * room / needed))


@checked
def save_figure(figure: Figure, folder: Path | str, name: str) -> list[Path]:
    """Save a figure as ``name``.pdf and ``name``.png in ``folder`` (made if needed), close it, and return the paths.

    They are listed in ``checksums.json`` of the folder, or by the manifest of the report that they are part of.

    Raises:
        InputError: if the folder has no name.
        OutputExistsError: if a file of that name is there that is not ours.
        WriteError: if the disk is full; names the file, of which nothing is left.
    """
    paths = _paths(folder, name)
    box = _used_area(figure)  # once for both files: found by drawing, which takes as long as saving
    try:
        for path in paths:
            metadata = {"CreationDate": None} if path.suffix == ".pdf" else None  # equal plots are equal files
            # fonts are looked up when the figure is drawn, in the style of then
            with new_listed_file(path) as temporary, style():
                figure.savefig(temporary, dpi=120, bbox_inches=box, metadata=metadata)
    finally:
        pyplot.close(figure)
    return paths


def _used_area(figure: Figure) -> Bbox:
    """Return what of a figure is drawn on, with a margin, in inches; its panels keep their places from now on."""
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        return figure.get_tightbbox().padded(pyplot.rcParams["savefig.pad_inches"])


def require_own_figures(folder: Path | str, *names: str) -> None:
    """Refuse figures that :func:`save_figure` would refuse to replace, before the work that they are of.

    Raises:
        InputError: if the folder has no name.
        OutputExistsError: if a file is there that is not ours, or a link or a folder.
        WriteError: if the folder cannot be written.
    """
    for path in (path for name in names for path in _paths(folder, name)):
        require_writable(path)
        require_own_list(path.parent)
        require_own_file(path)


def _paths(folder: Path | str, name: str) -> list[Path]:
    if is_blank(str(folder)):  # it would be the working folder
        msg = "folder of plots: expected a name, received an empty text"
        raise InputError(msg)
    if Path(name).name != name or name in (".", ".."):
        msg = f"name of a plot: expected the name of a file in {folder}, without ending; received {shortened(repr(name))}"
        raise InputError(msg)
    return [Path(folder) / f"{name}.{kind}" for kind in FORMATS]
