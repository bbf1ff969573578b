import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot

from TauAdv.plotting.ratios import RatioRange, choose_ratio_range, mark_outside, set_ratio_range


@given(st.lists(st.floats(1e-3, 1e3), max_size=20))
def test_range_holds_the_values_and_one(values):
    chosen = choose_ratio_range(values)
    assert chosen.low < 1 < chosen.high
    assert all(chosen.low <= value <= chosen.high for value in values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0.9, 1.1, False)),
        ([0.95, np.nan, 0.0], (0.9, 1.1, False)),
        ([0.7, 1.4], (0.5, 1.5, False)),
        ([0.01, 1.9], (0.0, 2.0, False)),
        ([1.0, 3.0], (0.5, 5.0, True)),
        ([0.15, 70.0], (0.1, 100.0, True)),
        ([1e-9, 1e9], (1e-3, 1e3, True)),
    ],
)
def test_narrowest_range(values, expected):
    assert choose_ratio_range(values) == RatioRange(*expected)


@pytest.mark.parametrize("ends", [(0.5, 5.0), (0.001, 1000.0)])
def test_logarithmic_axis_has_few_ticks_in_plain_numbers(ends):
    figure, axes = pyplot.subplots()
    set_ratio_range(axes, RatioRange(*ends, logarithmic=True))
    figure.canvas.draw()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert "1" in labels
    assert 3 <= len(labels) <= 7
    assert axes.get_ylim() == ends
    pyplot.close(figure)


def test_arrows_where_values_are_outside():
    figure, axes = pyplot.subplots()
    set_ratio_range(axes, RatioRange(0.5, 1.5, logarithmic=False))
    outside = mark_outside(axes, np.arange(6), [1.0, 2.0, 3.0, np.nan, 0.1, 1.5], "red", every=2)
    assert outside.tolist() == [False, True, True, False, True, False]
    up, down = axes.lines
    assert (up.get_marker(), up.get_xdata().tolist()) == ("^", [1.0])  # of two neighbours, one
    assert (down.get_marker(), down.get_xdata().tolist()) == ("v", [4.0])
    pyplot.close(figure)
