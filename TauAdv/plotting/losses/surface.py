"""The loss of one jet as two of its inputs move."""

from __future__ import annotations

from typing import Protocol

from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from TauAdv.plotting.style import label_figure, style

__all__ = ["Axis", "Surface", "plot_surface"]


class Axis(Protocol):
    """One input."""

    @property
    def label(self) -> str:
        """Axis label with unit."""

    @property
    def values(self) -> NDArray:
        """Grid."""

    @property
    def value(self) -> float:
        """Of the jet."""

    @property
    def box(self) -> tuple[float, float]:
        """Smallest and largest value that an attack may use."""


class Surface(Protocol):
    """Loss on a grid."""

    @property
    def x(self) -> Axis:
        """Horizontal input."""

    @property
    def y(self) -> Axis:
        """Vertical input."""

    @property
    def loss(self) -> NDArray:
        """Loss [y, x]."""

    @property
    def title(self) -> str:
        """Which jet it is."""


def plot_surface(surface: Surface) -> Figure:
    """Return the loss as colours and contours, with the jet (cross) and the box that an attack may use."""
    x, y = surface.x, surface.y
    with style():
        figure, axes = pyplot.subplots(figsize=(9, 7.5))
        drawn = axes.pcolormesh(x.values, y.values, surface.loss, shading="nearest", cmap="viridis", rasterized=True)
        if surface.loss.max() > surface.loss.min():
            axes.contour(x.values, y.values, surface.loss, levels=8, colors="white", linewidths=0.7)
        bar = figure.colorbar(drawn, ax=axes)
        bar.set_label("Loss (cross entropy of the true flavour)")
        (left, right), (lower, upper) = x.box, y.box
        size = (right - left, upper - lower)
        axes.add_patch(Rectangle((left, lower), *size, fill=False, edgecolor="#bd1f01", lw=2, label=r"box of $\epsilon$"))
        axes.plot(x.value, y.value, "x", color="#bd1f01", markersize=10, mew=2, label="the jet")
        axes.set_xlabel(x.label)
        axes.set_ylabel(y.label)
        axes.legend(loc="upper right", frameon=True)
        label_figure(axes, surface.title)
    return figure
