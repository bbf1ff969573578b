"""Misidentification against efficiency, with the ratio to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.plotting.style import label_figure, style, with_ratio_panel

__all__ = ["Curve", "plot_roc"]

COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59")
Look = tuple[str, str]


class Curve(Protocol):
    """Misidentification, with the ends of its interval, at increasing efficiencies."""

    @property
    def efficiency(self) -> NDArray[np.float64]:
        """Signal efficiency."""

    @property
    def mis_id(self) -> NDArray[np.float64]:
        """Background fraction."""

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower end of its interval."""

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper end of its interval."""


def plot_roc(
    curves: Mapping[str, Curve],
    reference: str,
    *,
    title: str = "",
    background: str = "Jet",
    signal: str = r"$\tau_h$",
    ratio_range: tuple[float, float] = (0.5, 1.5),
    efficiency_range: tuple[float, float] | None = None,
    mis_id_range: tuple[float, float] | None = None,
    looks: Mapping[str, Look] | None = None,
) -> Figure:
    """Return curves of misidentification (logarithmic) against efficiency, and their ratio to ``reference`` below.

    Bands are 68 % statistical intervals of the misidentification; in the ratio they are those of the curve alone. Curves of
    the same test set share its fluctuations, so ratios are better known than the bands say.

    Args:
        curves: label to curve, all at the same efficiencies.
        reference: label of the curve that the others are divided by.
        title: text above the plot.
        background: what is misidentified, for the axis label.
        signal: what is identified.
        ratio_range: range of the ratio.
        efficiency_range: range of the horizontal axis; default: of the reference.
        mis_id_range: range of the vertical axis; default: of the curves.
        looks: label to colour and line style; default: a colour for each.
    """
    looks = looks or dict(zip(curves, ((colour, "-") for colour in COLOURS), strict=False))
    divisor = curves[reference].mis_id
    with style():
        figure, main, ratio = with_ratio_panel()
        for label, look in looks.items():
            _draw(main, curves[label], np.ones_like(divisor), look, label)
            _draw(ratio, curves[label], divisor, look)
        main.set_yscale("log")
        values = np.concatenate([curve.mis_id for curve in curves.values()])
        main.set_ylim(mis_id_range or (np.min(values[values > 0], initial=1.0) / 2, 1.5))
        main.set_ylabel(f"{background} misidentification probability")
        main.legend(loc="upper left", fontsize=12.5 if len(looks) <= 6 else 10)
        ratio.set_ylim(*ratio_range)
        ratio.set_ylabel(f"Ratio to\n{reference}", loc="center", size=14)
        ratio.set_xlabel(f"{signal} efficiency")
        ratio.set_xlim(efficiency_range or (curves[reference].efficiency[0], curves[reference].efficiency[-1]))
        label_figure(main, title)
    return figure


def _draw(axes: Axes, curve: Curve, divisor: NDArray, look: Look, label: str | None = None) -> None:
    """Draw a curve and its band, divided by ``divisor``; points that are or divide by 0 are left out."""
    colour, line = look
    drawn = (divisor > 0) & (curve.mis_id > 0)
    scale = divisor[drawn]
    axes.plot(curve.efficiency[drawn], curve.mis_id[drawn] / scale, color=colour, ls=line, lw=2, label=label)
    axes.fill_between(
        curve.efficiency[drawn], curve.low[drawn] / scale, curve.high[drawn] / scale, color=colour, alpha=0.15, lw=0
    )
