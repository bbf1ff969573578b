"""Closure of the pT weights: the spectrum of data against simulation before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hist
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from TauAdv.errors import InputError
from TauAdv.plotting.closure import plot_closure
from TauAdv.plotting.style import Drawn

__all__ = ["STAGES", "plot_pt_weights", "require_labels"]

_TICKS = (20, 30, 40, 60, 100, 200, 400, 1000)
_TITLES = {"observed": "before pT weights", "weighted": "after pT weights"}
#: What is drawn, by the names of :func:`plot_pt_weights`.
STAGES = tuple(_TITLES)


def require_labels(names: Sequence[str], contributions: Sequence[Drawn]) -> None:
    """Check that all that is to be drawn has a label and a colour.

    Raises:
        InputError: names the contributions without.
    """
    if unknown := sorted(set(names) - {entry.name for entry in contributions}):
        msg = f"no label and colour for {', '.join(unknown)}; give a YAML list of contributions that has them"
        raise InputError(msg)


def plot_pt_weights(spectra: Mapping[str, hist.Hist], contributions: Sequence[Drawn]) -> dict[str, Figure]:
    """Return the figures ``observed`` and ``weighted``: tau pt of data on the stack of simulation.

    Args:
        spectra: ``observed`` and ``weighted``, histograms (contribution, tau pt) with weighted storage.
        contributions: in the order of the stack, from bottom to top; one of them is data. Others than those of the spectra
            are left out.

    Raises:
        InputError: if a spectrum has no contribution, so that its label and colour are not known.
    """
    figures = {}
    names = list(spectra["observed"].axes[0])
    require_labels(names, contributions)
    drawn = [entry for entry in contributions if entry.name in names]
    for stage, title in _TITLES.items():
        figure = plot_closure(spectra[stage], drawn, title=title, ratio_range=(0.0, 2.0), log=True)
        main, ratio = figure.axes
        main.set_ylabel("Candidates / bin")  # the bins differ in width
        ratio.set_xlabel("tau $p_T$ [GeV]")
        ratio.set_xscale("log")
        low, high = spectra[stage].axes[1].edges[[0, -1]]
        ratio.set_xticks([tick for tick in _TICKS if low <= tick <= high])
        ratio.xaxis.set_major_formatter(ScalarFormatter())
        ratio.xaxis.set_minor_formatter(NullFormatter())
        figures[stage] = figure
    return figures
