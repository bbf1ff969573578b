import numpy as np
import pandas as pd
import pytest

from TauAdv.plotting.adaptation.bins import plot_bins
from TauAdv.plotting.adaptation.pairs import plot_pairs
from TauAdv.plotting.adaptation.uncertainties import plot_uncertainties


def rows(*values, error=0.1, deviations=None):
    names = [f"decay mode {number}" for number in (0, 1, 10)]
    more = {} if deviations is None else {"deviations": deviations}
    return pd.DataFrame({"bin": names, "value": values, "error": error, **more})


def heights(axes):
    """Heights of the points of each run."""
    return {one.get_label(): one.lines[0].get_ydata() for one in axes.containers if hasattr(one, "has_yerr")}


def bars(axes):
    return [[bar.get_height() for bar in one] for one in axes.containers if not hasattr(one, "has_yerr")]


def test_points_and_deviations_are_those_of_the_table():
    before, after = rows(0.8, 0.9, np.nan, deviations=[-3.0, -9.0, np.nan]), rows(1.0, 1.1, 1.0, deviations=[0.0, 1.0, 2.5])
    figure = plot_bins({"shape": {"before": before, "after": after}}, "decay mode", title="control region")
    values, deviations = figure.axes
    drawn = heights(values)
    assert drawn["before"] == pytest.approx([0.8, 0.9, np.nan], nan_ok=True)
    assert drawn["after"] == pytest.approx([1.0, 1.1, 1.0])
    assert bars(deviations) == [[-3.0, -9.0, 0.0], [0.0, 1.0, 2.5]]
    assert deviations.get_ylim() == (-5, 5)  # -9 is marked by an arrow
    assert [text.get_text() for text in deviations.get_xticklabels()] == ["0", "1", "10"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["before", "after"]


def test_several_trainings_are_their_mean_and_their_spread():
    tables = [rows(0.9, 1.0, 1.2), rows(1.1, 1.0, 1.0)]
    figure = plot_bins({"yield": {"seeds": tables}}, "decay mode")
    (values,) = figure.axes  # nothing was tested: no panel of deviations
    assert heights(values)["seeds"] == pytest.approx([1.0, 1.0, 1.1])
    spread = np.std([[0.9, 1.0, 1.2], [1.1, 1.0, 1.0]], axis=0, ddof=1)
    assert bars(values) == [pytest.approx(2 * spread)]


def test_runs_with_other_bins_are_drawn_beside_each_other():
    other = pd.DataFrame({"bin": ["decay mode 11"], "value": [1.0], "error": [0.1]})
    (values,) = plot_bins({"x": {"one": rows(1.0, 1.0, 1.0), "two": other}}, "decay mode").axes
    assert heights(values)["two"] == pytest.approx([np.nan, np.nan, np.nan, 1.0], nan_ok=True)


def test_nothing_known_is_drawn_empty():
    nothing = rows(np.nan, np.nan, np.nan, error=np.nan)
    assert plot_bins({"a": {"run": nothing}, "b": {"run": nothing}}, "decay mode").axes


def test_pairs():
    table = pd.DataFrame(
        {
            "bin": ["decay mode 0, pT below 30 GeV", "decay mode 1, pT above 30 GeV"],
            "value": [1.5, 0.9],
            "deviations": [4.0, -0.5],
        }
    )
    figure = plot_pairs({"nominal": table, "adapted": table}, ("decay mode", "pT"), title="yield")
    panel = figure.axes[0]
    assert panel.images[0].get_array().filled(np.nan) == pytest.approx(
        np.array([[4.0, np.nan], [np.nan, -0.5]]), nan_ok=True
    )
    assert [text.get_text() for text in panel.texts] == ["1.50", "0.90"]
    assert [text.get_text() for text in panel.get_xticklabels()] == ["below 30 GeV", "above 30 GeV"]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["0", "1"]


def test_the_largest_uncertainty_is_on_top_and_their_sum_below():
    sources = {
        "before": {"events": 0.03, "together": 0.05},
        "after": {"events": 0.01, "trainings": 0.04, "pT weights": np.nan, "together": 0.045},
    }
    axes = plot_uncertainties(sources, what="the rate").axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["trainings", "events", "pT weights", "together"]
    assert [[bar.get_width() for bar in one] for one in axes.containers] == [[0, 0.03, 0, 0.05], [0.04, 0.01, 0, 0.045]]
    low, high = axes.get_ylim()
    assert low > high  # the first name is on top
