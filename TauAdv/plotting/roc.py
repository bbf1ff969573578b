"""Misidentification against efficiency, with the ratio to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from TauAdv.arguments import checked
from TauAdv.plotting.plot_styles import LineStyle, run_colors
from TauAdv.plotting.ratios import RatioRange, choose_ratio_range, mark_outside, set_ratio_range
from TauAdv.plotting.style import add_legend, add_legend_beside, fit_label, label_figure, style, with_ratio_panel

__all__ = ["Curve", "Marks", "plot_roc"]

Look = tuple[str, LineStyle]
_MOST_INSIDE = 3  # curves; the legend of more lies beside the panels


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


class Marks(Curve, Protocol):
    """Working points: a curve with intervals of the efficiency, too."""

    @property
    def efficiency_low(self) -> NDArray[np.float64]:
        """Lower end of the efficiency's interval."""

    @property
    def efficiency_high(self) -> NDArray[np.float64]:
        """Upper end of the efficiency's interval."""


@checked
def plot_roc(
    curves: Mapping[str, Curve],
    reference: str,
    *,
    title: str = "",
    background: str = "Jet",
    signal: str = r"$\tau_h$",
    ratio_range: tuple[float, float] | None = (0.5, 1.5),
    ratio_label: str | None = None,
    efficiency_range: tuple[float, float] | None = None,
    mis_id_range: tuple[float, float] | None = None,
    looks: Mapping[str, Look] | None = None,
    legend_title: str = "",
    marks: Mapping[str, Marks] | None = None,
) -> Figure:
    """Return curves of misidentification (logarithmic) against efficiency, and their ratio to ``reference`` below.

    Bands are 68 % statistical intervals of the misidentification; in the ratio they are those of the curve alone. Curves of
    the same test set share its fluctuations, so ratios are better known than the bands say. Arrows at the edges of the ratio
    panel: the curve is outside. The legend of more than three curves lies beside the panels.

    Args:
        curves: label to curve, all at the same efficiencies.
        reference: label of the curve that the others are divided by.
        title: text above the plot.
        background: what is misidentified, for the axis label.
        signal: what is identified.
        ratio_range: range of the ratio; ``None``: what holds the curves where they are known to a factor of 4.
        ratio_label: what the reference is, in words; default: its label.
        efficiency_range: range of the horizontal axis; default: of the reference.
        mis_id_range: range of the vertical axis; default: of the curves.
        looks: label to colour and line style; default: a colour for each.
        legend_title: lines above the entries of the legend.
        marks: label of a curve to working points, drawn as points with their intervals.

    Raises:
        KeyError: ``reference`` is not among the curves.
    """
    divisor = curves[reference].mis_id
    if looks is None:
        looks = {label: (color, "-") for label, color in run_colors(list(curves)).items()}
    with style():
        figure, main, ratio = with_ratio_panel()
        for label, look in looks.items():
            _draw(main, curves[label], np.ones_like(divisor), look, label, shade=0.9 / max(6, len(looks)))
            _draw(ratio, curves[label], divisor, look, shade=0.9 / max(6, len(looks)))
        for label, points in (marks or {}).items():
            _mark(main, points, looks[label][0])
        main.set_yscale("log")
        values = np.concatenate([curve.mis_id for curve in curves.values()])
        main.set_ylim(mis_id_range or (np.min(values[values > 0], initial=1.0) / 2, 1.5))
        main.set_ylabel(f"{background} misidentification probability")
        fit_label(main, main.yaxis.label)
        if len(looks) > _MOST_INSIDE:
            add_legend_beside(main, title=legend_title, fontsize=12.5)
        else:
            add_legend(main, loc="upper left", title=legend_title or None, alignment="left")
        ratio.set_xlabel(f"{signal} efficiency")
        ratio.set_xlim(efficiency_range or (curves[reference].efficiency[0], curves[reference].efficiency[-1]))
        chosen = _ratio_range(curves, reference) if ratio_range is None else RatioRange(*ratio_range, logarithmic=False)
        set_ratio_range(ratio, chosen)
        for label, (colour, _) in looks.items():
            mark_outside(ratio, curves[label].efficiency, _ratio(curves[label], divisor), colour, every=4)
        ratio.axhline(1, color="0.4", lw=0.8, zorder=0)
        ratio.set_ylabel(f"Ratio to\n{reference if ratio_label is None else ratio_label}", loc="center", size=14)
        fit_label(ratio, ratio.yaxis.label)
        label_figure(main, title)
    return figure


def _ratio(curve: Curve, divisor: NDArray) -> NDArray[np.float64]:
    """Return a curve divided by ``divisor``; NaN where it is or divides by 0."""
    drawn = (divisor > 0) & (curve.mis_id > 0)
    return np.divide(curve.mis_id, divisor, out=np.full(len(divisor), np.nan), where=drawn)


def _ratio_range(curves: Mapping[str, Curve], reference: str) -> RatioRange:
    """Return a range of all ratios of which both sides are known to a factor of 4."""
    base = curves[reference]
    known = [
        _ratio(curve, base.mis_id)[(curve.high < 4 * curve.low) & (base.high < 4 * base.low)] for curve in curves.values()
    ]
    return choose_ratio_range(np.concatenate(known))


def _draw(axes: Axes, curve: Curve, divisor: NDArray, look: Look, label: str | None = None, *, shade: float) -> None:
    """Draw a curve and its band (opacity ``shade``), divided by ``divisor``, without points that are or divide by 0."""
    colour, line = look
    drawn = (divisor > 0) & (curve.mis_id > 0)
    scale = divisor[drawn]
    axes.plot(curve.efficiency[drawn], curve.mis_id[drawn] / scale, color=colour, ls=line, lw=2, label=label)
    axes.fill_between(
        curve.efficiency[drawn], curve.low[drawn] / scale, curve.high[drawn] / scale, color=colour, alpha=shade, lw=0
    )


def _mark(axes: Axes, points: Marks, colour: str) -> None:
    """Draw working points that some background passes."""
    drawn = points.mis_id > 0
    x, y = points.efficiency[drawn], points.mis_id[drawn]
    bars = [
        [x - points.efficiency_low[drawn], points.efficiency_high[drawn] - x],
        [y - points.low[drawn], points.high[drawn] - y],
    ]
    look: dict[str, Any] = {"fmt": "o", "color": colour, "markersize": 5, "markeredgecolor": "white", "elinewidth": 1}
    axes.errorbar(x, y, xerr=np.maximum(bars[0], 0), yerr=np.maximum(bars[1], 0), **look)
