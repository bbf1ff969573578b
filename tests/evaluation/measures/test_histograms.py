import numpy as np
import pytest
from specification_region import CONTRIBUTIONS

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.histograms import fill_histograms, moments


def test_histogram_by_contribution_with_squared_weights(make_table):
    table = make_table(500, 800, mc_weight=lambda rng, n: rng.uniform(0, 2, n))
    filled = fill_histograms(table, "Djet", CONTRIBUTIONS, bins=40, value_range=(0.9, 1.0))
    rows = table[(table.dataset_id == 1) & (table.Djet >= 0.9)]
    assert filled["DYT", :].values().sum() == pytest.approx(rows.weights.sum())
    assert filled["DYT", :].variances().sum() == pytest.approx((rows.weights**2).sum())
    expected = np.histogram(rows.Djet, 40, (0.9, 1.0), weights=rows.weights)[0]
    assert filled["DYT", :].values() == pytest.approx(expected)
    inside = ((table.dataset_id == 0) & (table.Djet >= 0.9)).sum()
    assert filled["data", :].values().sum() == inside
    assert filled["data", :].sum(flow=True).value == 500


def test_the_upper_end_belongs_to_the_last_bin(make_table):
    table = make_table(10, 10).assign(Djet=1.0)
    filled = fill_histograms(table, "Djet", CONTRIBUTIONS, bins=40, value_range=(0.9, 1.0))
    assert filled["data", :].values()[-1] == 10


def test_weights_of_data_are_one(make_table):
    table = make_table(100, 100)
    table.loc[table.dataset_id == 0, "weights"] = 5.0
    assert fill_histograms(table, "Djet", CONTRIBUTIONS, bins=2, value_range=(0, 1))["data", sum].value == 100


def test_missing_column_is_named(make_table):
    with pytest.raises(InputError, match="y_pred_adv"):
        fill_histograms(make_table(5, 5).drop(columns="y_pred_adv"), "y_pred_adv", CONTRIBUTIONS, bins=2, value_range=(0, 1))


def test_moments_by_hand(make_table):
    table = make_table(3000, 3000, mc_weight=lambda rng, n: rng.uniform(0, 2, n))
    found = moments(table, "y_pred_adv", CONTRIBUTIONS)
    mc, data = table[table.dataset_id != 0], table[table.dataset_id == 0]
    mean, width = found["MC"]
    assert mean.value == pytest.approx(np.average(mc.y_pred_adv, weights=mc.weights))
    assert found["data"][1].value == pytest.approx(data.y_pred_adv.std(ddof=0))
    assert found["data"][0].error == pytest.approx(data.y_pred_adv.std(ddof=0) / np.sqrt(3000))
    # for a normal distribution: sigma / sqrt(2 n)
    assert found["data"][1].error == pytest.approx(0.02 / np.sqrt(6000), rel=0.1)
    assert abs(mean.value - 0.495) < 4 * mean.error
    assert abs(width.value - 0.02) < 4 * width.error


def test_moments_need_both_sides(make_table):
    table = make_table(20, 20)
    with pytest.raises(InputError, match="no rows"):
        moments(table[table.dataset_id == 0], "Djet", CONTRIBUTIONS)


@pytest.mark.parametrize("column", ["Djet", "weights"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(make_table, column, value):
    table = make_table(50, 50)
    table.loc[table.dataset_id == 1, column] = value
    for draw in (lambda: moments(table, "Djet", CONTRIBUTIONS), lambda: filled(table)):
        with pytest.raises(InputError, match=f"of '{column}' are not finite"):
            draw()


def filled(table):
    return fill_histograms(table, "Djet", CONTRIBUTIONS, bins=10, value_range=(0, 1))


def test_values_on_edges(make_table):
    table = make_table(50, 50).assign(Djet=0.5)
    assert filled(table)["data", :].values()[5] == 50
    assert filled(table.assign(Djet=1.0))["data", :].values()[9] == 50
    assert filled(table.assign(Djet=1.1))["data", :].values(flow=True)[-1] == 50
