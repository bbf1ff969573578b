"""The plots of a comparison of runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import hist

from TauAdv.plotting.closure import plot_closure
from TauAdv.plotting.roc import Curve, plot_roc
from TauAdv.plotting.style import Drawn, save_figure

__all__ = ["save_comparison_plots"]


def save_comparison_plots(
    histograms: Mapping[str, hist.Hist],
    notes: Mapping[str, Sequence[str]],
    curves: Mapping[str, Curve],
    reference: str,
    contributions: Sequence[Drawn],
    folder: Path | str,
) -> list[Path]:
    """Save ``closure_{label}`` of every run and ``roc`` of all, each as PDF and PNG; return the paths.

    Args:
        histograms: label to (contribution, score).
        notes: label to lines written into its closure plot.
        curves: label to ROC curve.
        reference: label of the curve that the others are divided by.
        contributions: in the order of the stack.
        folder: where the files go.
    """
    paths = []
    for label, histogram in histograms.items():
        figure = plot_closure(histogram, contributions, title=label, notes=notes.get(label, ()))
        name = re.sub(r"[^\w.-]+", "_", label)
        paths += save_figure(figure, folder, f"closure_{name}")
    figure = plot_roc(curves, reference, title=r"labelled simulation, $\tau_h$ against jet")
    return paths + save_figure(figure, folder, "roc")
