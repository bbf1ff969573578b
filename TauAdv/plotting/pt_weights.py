"""Closure of the pT weights: the spectrum of data against simulation before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hist
from matplotlib.figure import Figure

from TauAdv.plotting.closure import plot_closure
from TauAdv.plotting.style import Drawn

__all__ = ["plot_pt_weights"]

_TITLES = {"observed": "before pT weights", "weighted": "after pT weights"}


def plot_pt_weights(spectra: Mapping[str, hist.Hist], contributions: Sequence[Drawn]) -> dict[str, Figure]:
    """Return the figures ``pt_weights_observed`` and ``pt_weights_weighted``: tau pt of data on the stack of simulation.

    Args:
        spectra: ``observed`` and ``weighted``, histograms (contribution, tau pt) with weighted storage.
        contributions: in the order of the stack, from bottom to top; one of them is data.
    """
    figures = {}
    for stage, title in _TITLES.items():
        figure = plot_closure(spectra[stage], contributions, title=title, ratio_range=(0.0, 2.0), log=True)
        main, ratio = figure.axes
        main.set_ylabel("Candidates / bin")  # the bins differ in width
        ratio.set_xlabel("tau $p_T$ [GeV]")
        figures[f"pt_weights_{stage}"] = figure
    return figures
