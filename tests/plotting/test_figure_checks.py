"""What the check of figures finds: each fault once, and nothing in a good figure."""

import pytest
from figure_checks import faults_of_figure
from matplotlib.figure import Figure


@pytest.fixture
def panel():
    axes = Figure((8, 6)).add_subplot()
    axes.plot([0, 1, 2], [0, 1, 2], label="line")
    axes.tick_params(labelsize=10)
    return axes


def test_a_good_figure_has_no_fault(panel):
    panel.legend(loc="upper left", fontsize=10)
    panel.set(xlabel="x", ylabel="y")
    panel.text(0.1, 0.5, "note", transform=panel.transAxes)
    assert faults_of_figure(panel.figure) == []


@pytest.mark.parametrize(
    ("draw", "fault"),
    [
        (lambda panel: panel.text(1, 1, "one") and panel.text(1.05, 1, "other"), "'one' overlaps 'other'"),
        (
            lambda panel: panel.text(1.9, 1, "a long text that ends outside"),
            "'a long text that ends outside' leaves its panel",
        ),
        (lambda panel: panel.set_ylabel("much too long for its axis " * 5), "leaves its panel"),
        (lambda panel: panel.text(1, 0.2, "small", size=6), "'small' is 6.0 pt high in print"),
        (lambda panel: panel.legend(loc="lower left"), "the legend covers line"),
        (
            lambda panel: panel.stairs([2, 2], [0, 1, 2], label="bars") and panel.legend(loc="upper left"),
            "covers a histogram",
        ),
    ],
)
def test_faults_are_found(panel, draw, fault):
    draw(panel)
    assert any(fault in found for found in faults_of_figure(panel.figure))


def test_ticks_outside_of_the_axis_are_not_drawn(panel):
    panel.set_xticks([0, 2, 5, 5.001], ["a", "b", "outside", "outside"])
    panel.set_xlim(0, 2)
    assert faults_of_figure(panel.figure) == []


def test_a_wide_figure_is_printed_smaller(panel):
    panel.tick_params(labelsize=20)
    panel.text(1, 0.2, "small", size=10)
    panel.figure.set_size_inches(21, 6)
    assert faults_of_figure(panel.figure) == ["'small' is 5.0 pt high in print"]
