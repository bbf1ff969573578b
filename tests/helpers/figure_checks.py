"""What is wrong with the look of a figure: texts that overlap or leave their panel, small fonts, legends on curves."""

from contextlib import contextmanager
from itertools import combinations
from unittest import mock

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from TauAdv.plotting.style import style

#: Widest print: an A4 page on its side, in inches. Smaller figures are printed as large as they are.
PAGE_WIDTH = 10.5
SMALLEST = 8.0  # points, at print size
_TOUCHING = 0.12  # of the height of the lower text: what boxes may share, as they are higher than letters are


def faults_of_figure(figure: Figure) -> list[str]:
    """Return what is wrong: an empty list for a good figure."""
    with style():  # fonts are looked up when the figure is drawn
        texts = _drawn_texts(figure)
        boxes = [text.get_window_extent() for text in texts]
        faults = [
            f"{_short(a)} overlaps {_short(b)}"
            for (a, box), (b, other) in combinations(zip(texts, boxes, strict=True), 2)
            if _share(box, other)
        ]
        faults += [f"{_short(a)} leaves its panel" for a, box in zip(texts, boxes, strict=True) if _leaves(a, box)]
        scale = min(1.0, PAGE_WIDTH / figure.get_figwidth())
        small = {_short(text): scale * text.get_fontsize() for text in texts}
        faults += [f"{name} is {size:.1f} pt high in print" for name, size in small.items() if size < SMALLEST - 0.05]
        for axes in figure.axes:
            if axes.get_visible():
                faults += _long_labels(axes)
                faults += _covered(axes)
    return faults


def _drawn_texts(figure: Figure) -> list[Text]:
    """Return the texts that are drawn: not those of ticks outside of an axis."""
    found: list[Text] = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            found.append(self)
        return draw(self, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", record):
        figure.draw_without_rendering()
    return list({id(text): text for text in found}.values())


def _share(one: Bbox, other: Bbox) -> bool:
    common = Bbox.intersection(one, other)
    if common is None:
        return False
    slack = _TOUCHING * min(one.height, one.width, other.height, other.width)
    return common.width > slack and common.height > slack


def _leaves(text: Text, box: Bbox) -> bool:
    """Whether a text that begins inside of its panel ends outside."""
    axes = text.axes
    if axes is None or text not in axes.texts:
        return False
    panel = axes.get_window_extent()
    slack = 2 + 0.1 * min(box.height, box.width)
    if not panel.contains(*text.get_transform().transform(text.get_position())):
        return False
    return box.x0 < panel.x0 - slack or box.x1 > panel.x1 + slack or box.y0 < panel.y0 - slack or box.y1 > panel.y1 + slack


def _long_labels(axes) -> list[str]:
    """Return labels of axes that are longer than the axis."""
    panel = axes.get_window_extent()
    lengths = {axes.yaxis.label: ("height", panel.height), axes.xaxis.label: ("width", panel.width)}
    long = [
        label
        for label, (side, room) in lengths.items()
        if label.get_text().strip() and label.get_visible() and getattr(label.get_window_extent(), side) > 1.05 * room + 2
    ]
    return [f"{_short(label)} leaves its panel" for label in long]


def _covered(axes) -> list[str]:
    """Return what of the drawn lines and histograms is under the legend."""
    if axes.get_legend() is None:
        return []
    legend, panel = axes.get_legend().get_window_extent(), axes.get_window_extent()
    for line in axes.lines:
        points = line.get_transform().transform(np.column_stack(line.get_data(orig=False)))
        if len(points) > 2 and any(legend.contains(x, y) and panel.contains(x, y) for x, y in points):
            return [f"the legend covers {line.get_label()}"]
    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            data = patch.get_data()
            along = data.edges[:-1, None] + np.diff(data.edges)[:, None] * np.linspace(0.02, 0.98, 9)
            tops = np.column_stack([along.ravel(), np.repeat(data.values, 9)])
            points = axes.transData.transform(tops[np.isfinite(tops).all(axis=1)])
            if any(legend.contains(x, y) and panel.contains(x, y) for x, y in points):
                return ["the legend covers a histogram"]
    return []


def _short(text: Text) -> str:
    return repr(text.get_text().replace("\n", " ")[:40])


@contextmanager
def looked_at():
    """Look at every figure that is closed in the block, and at those still open at its end; they are closed then."""
    close, faults = pyplot.close, []

    def look_and_close(figure=None):
        numbers = pyplot.get_fignums()
        open_ones = [pyplot.figure(number) for number in numbers] if figure == "all" else []
        if isinstance(figure, Figure) and figure.number in numbers:
            open_ones = [figure]
        for each in open_ones:
            faults.extend(faults_of_figure(each))
        close(figure)

    with mock.patch.object(pyplot, "close", look_and_close):
        yield
        pyplot.close("all")
    assert not faults, "\n".join(faults)
