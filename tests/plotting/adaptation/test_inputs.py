import hist
import numpy as np
import pandas as pd
import pytest

from TauAdv.plotting.adaptation.choice import plot_choice
from TauAdv.plotting.adaptation.inputs import plot_inputs


@pytest.fixture
def feature():
    sides = hist.axis.StrCategory(["data", "MC"], name="side")
    filled = hist.Hist(sides, hist.axis.Regular(10, 0, 5, name="value", label="$p_T$ [GeV]"), storage=hist.storage.Weight())
    rng = np.random.default_rng(1)
    filled.fill("data", rng.exponential(1.2, 300))
    filled.fill("MC", rng.exponential(1.0, 500), weight=0.6)
    return filled


@pytest.mark.parametrize("number", [1, 3, 5])
def test_data_over_simulation(feature, number):
    figure = plot_inputs({f"feature {place}\ndistance 0.100": feature for place in range(number)}, title="control region")
    assert len(figure.axes) == 2 * number
    main, ratio = figure.axes[:2]
    data, mc = feature["data", :].values(), feature["MC", :].values()
    drawn = (data > 0) & (mc > 0)
    assert main.containers[0].lines[0].get_ydata() == pytest.approx(data)
    assert ratio.containers[0].lines[0].get_ydata() == pytest.approx(data[drawn] / mc[drawn])
    assert ratio.get_xlabel() == "$p_T$ [GeV]"


def test_a_feature_without_simulation_is_drawn(feature):
    feature.view(flow=True).value[1] = 0
    assert plot_inputs({"feature": feature}).axes


@pytest.mark.parametrize("strengths", [(0, 1), (0.1, 1, 10), (3,)])
def test_choice(strengths):
    rows = [{"k2": k2, "off": 0.1 / (1 + k2) + 0.01 * seed, "cost": 1 + 0.02 * k2} for k2 in strengths for seed in (0, 1)]
    table = pd.DataFrame(rows)
    closure, cost = plot_choice(table, title="6 trainings").axes
    mean, points = closure.lines[:2]
    assert points.get_ydata() == pytest.approx(table["off"])
    assert mean.get_ydata() == pytest.approx([0.1 / (1 + k2) + 0.005 for k2 in strengths])
    assert [text.get_text() for text in cost.get_xticklabels()] == [f"{k2:g}" for k2 in strengths]


def test_unknown_cost_is_not_drawn():
    table = pd.DataFrame({"k2": [0.0, 1.0], "off": [0.3, 0.1], "cost": [np.nan, 1.05]})
    cost = plot_choice(table).axes[1]
    assert cost.lines[0].get_xdata().tolist() == [1.0]
