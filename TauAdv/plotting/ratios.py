"""Ranges of ratio panels that hold what is drawn, and arrows for what is outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

__all__ = ["RatioRange", "choose_ratio_range", "mark_outside", "set_ratio_range"]

_LINEAR = ((0.9, 1.1), (0.8, 1.2), (0.5, 1.5), (0.0, 2.0))
_STEPS = np.array([factor * 10.0**power for power in range(-3, 4) for factor in (1, 2, 5)][:-2])
_MOST_TICKS = 5


@dataclass(frozen=True)
class RatioRange:
    """Range of a ratio panel.

    Attributes:
        low, high: its ends.
        logarithmic: whether the axis is.
    """

    low: float
    high: float
    logarithmic: bool


def choose_ratio_range(values: ArrayLike) -> RatioRange:
    """Return the narrowest usual range around 1 that holds the values: linear up to 0 to 2, then logarithmic.

    The logarithmic one ends at 1/1000 and 1000. Values that are not finite or not positive do not count.
    """
    found = np.asarray(values, np.float64).ravel()
    found = found[np.isfinite(found) & (found > 0)]
    low, high = (found.min(), found.max()) if len(found) else (1.0, 1.0)
    for ends in _LINEAR:
        if ends[0] <= low and high <= ends[1]:
            return RatioRange(*ends, logarithmic=False)
    below, above = _STEPS[(low >= _STEPS) & (_STEPS < 1)], _STEPS[(high <= _STEPS) & (_STEPS > 1)]
    ends = (float(below[-1]) if len(below) else _STEPS[0], float(above[0]) if len(above) else _STEPS[-1])
    return RatioRange(*ends, logarithmic=True)


def set_ratio_range(axes: Axes, chosen: RatioRange) -> None:
    """Give the vertical axis of a panel a range, with ticks that can be read."""
    if not chosen.logarithmic:
        axes.set_ylim(chosen.low, chosen.high)
        return
    axes.set_yscale("log")
    axes.set_ylim(chosen.low, chosen.high)
    ticks = [step for step in _STEPS if chosen.low <= step * 1.001 and step <= chosen.high * 1.001]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if np.isclose(np.log10(tick) % 1, 0) or np.isclose(np.log10(tick) % 1, 1)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def mark_outside(axes: Axes, x: ArrayLike, y: ArrayLike, color: str, every: int = 1) -> NDArray[np.bool_]:
    """Draw an arrow at the upper or lower edge for every value that is outside of the panel; return where they are.

    Args:
        axes: panel whose range is set.
        x: positions.
        y: values; NaN is nowhere.
        color: of the arrows.
        every: of so many neighbours, only the first gets an arrow (for lines).
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    low, high = axes.get_ylim()
    outside = np.zeros(len(y), np.bool_)
    look: dict[str, Any] = {"ls": "none", "markersize": 4, "color": color, "transform": axes.get_xaxis_transform()}
    for found, marker, place in ((y > high, "^", 0.93), (y < low, "v", 0.07)):
        drawn = x[found][::every]
        if len(drawn):
            axes.plot(drawn, np.full(len(drawn), place), marker, label="_outside", **look)
        outside |= found
    return outside
