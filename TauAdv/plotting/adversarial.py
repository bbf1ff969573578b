"""Output of the adversarial head, data against simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hist
from matplotlib.figure import Figure

from TauAdv.plotting.closure import plot_closure
from TauAdv.plotting.style import Drawn

__all__ = ["plot_adversarial"]


def plot_adversarial(
    histogram: hist.Hist,
    contributions: Sequence[Drawn],
    moments: Mapping[str, tuple[Any, Any]],
    *,
    title: str = "",
    ratio_range: tuple[float, float] = (0.5, 1.6),
) -> Figure:
    """Return the data/MC plot of y_adv with mean and width of each side written in.

    Args:
        histogram: axes (contribution, value) with weighted storage.
        contributions: in the order of the stack; one of them is data.
        moments: ``"data"`` and ``"MC"`` to (mean, width), each with ``value`` and ``error``.
        title: text above the plot.
        ratio_range: range of the ratio.
    """
    notes = [
        f"{side}: mean {mean.value:.4f} ± {mean.error:.4f}, width {width.value:.4f} ± {width.error:.4f}"
        for side, (mean, width) in moments.items()
    ]
    return plot_closure(histogram, contributions, title=title, ratio_range=ratio_range, notes=notes)
