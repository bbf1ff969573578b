"""ROC curves of several taggers: colour = run, line style = disturbance, markers = working points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure

from TauAdv.io.file_names import file_name
from TauAdv.plotting.plot_styles import line_styles, run_colors
from TauAdv.plotting.roc import Curve, Marks, plot_roc
from TauAdv.plotting.style import save_figure

__all__ = ["Compared", "plot_compared", "save_roc_plots"]

_WORDS = {"e": "Electron", "mu": "Muon", "jet": "Jet"}


class Compared(Protocol):
    """Curves of one background in one bin (:class:`TauAdv.evaluation.performance.comparison.ComparedCurves`)."""

    @property
    def background(self) -> str:
        """What taus are told from: e, mu or jet."""

    @property
    def bin(self) -> Any:
        """Ranges ``pt`` and ``abs_eta``, and ``decay_modes``."""

    @property
    def curves(self) -> Mapping[str, Curve]:
        """Label -> curve."""

    @property
    def points(self) -> Mapping[str, Marks]:
        """Label -> working points."""

    @property
    def runs(self) -> Mapping[str, str]:
        """Label -> run or file; each has one colour."""

    @property
    def disturbances(self) -> Mapping[str, str]:
        """Label -> disturbance, empty if there is none; each has one line style."""

    @property
    def reference(self) -> str:
        """Label of the curve that the others are divided by."""


def plot_compared(compared: Compared, *, period: str = "") -> Figure:
    """Return log misidentification against efficiency with the ratio to the reference below.

    Args:
        compared: curves and working points.
        period: year and energy.
    """
    colours = run_colors(list(dict.fromkeys(compared.runs.values())))
    lines = line_styles(["", *compared.disturbances.values()])
    looks = {label: (colours[compared.runs[label]], lines[compared.disturbances[label]]) for label in compared.curves}
    base: Curve = compared.curves[compared.reference]
    drawn = base.efficiency[base.mis_id > 0]
    return plot_roc(
        compared.curves,
        compared.reference,
        title=period or "simulation",
        background=_WORDS[compared.background],
        ratio_range=None,
        efficiency_range=(float(drawn.min()), 1.0) if len(drawn) else (0.0, 1.0),
        looks=looks,
        legend_title=_place(compared.bin) + ("\npoints: working points" if compared.points else ""),
        marks=compared.points,
    )


def _place(found: Any) -> str:
    modes = ", ".join(map(str, found.decay_modes))
    lines = [
        rf"{found.pt[0]:g} < $p_T$ < {found.pt[1]:g} GeV",
        rf"{found.abs_eta[0]:g} < $|\eta|$ < {found.abs_eta[1]:g}",
        f"decay mode {modes}",
    ]
    return "\n".join(lines)


def save_roc_plots(compared: Iterable[Compared], folder: Path | str, periods: Mapping[str, str]) -> list[Path]:
    """Save a figure for every background and bin as PDF and PNG; return the paths.

    Args:
        compared: what is drawn.
        folder: where the files go.
        periods: label of a run or file -> its period.
    """
    paths = []
    for curves in compared:
        place = curves.bin
        parts = ["roc_vs", curves.background, "pt", *_words(place.pt), "eta", *_words(place.abs_eta)]
        name = file_name(*parts, "dm", *map(str, place.decay_modes))
        paths += save_figure(plot_compared(curves, period=periods.get(curves.reference, "")), folder, name)
    return paths


def _words(ends: Iterable[float]) -> list[str]:
    return [f"{end:g}" for end in ends]
