import numpy as np
import pytest

from TauAdv.plotting.adaptation.ratios import plot_ratios


@pytest.fixture
def points():
    def found(axes):
        return {one.get_label(): one.lines[0].get_ydata() for one in axes.containers}

    return found


def test_ratio_is_data_over_all_simulation(histogram, contributions, points):
    axes = plot_ratios({"run": [histogram]}, contributions, title="x").axes[0]
    expected = histogram["data", :].values() / (histogram["WJ", :].values() + histogram["DYT", :].values())
    assert points(axes)["run"] == pytest.approx(expected)


def test_several_trainings_are_a_mean_with_a_band(histogram, contributions, points):
    other = histogram.copy()
    other.view(flow=True).value[1:] *= 2  # twice the simulation: half the ratio
    axes = plot_ratios({"one": [histogram], "two": [histogram, other]}, contributions).axes[0]
    one, two = points(axes)["one"], points(axes)["two (2 trainings)"]
    assert two == pytest.approx(0.75 * one)
    (band,) = [patch.get_data() for patch in axes.patches if np.ndim(patch.get_data().baseline)]
    assert band.values - band.baseline == pytest.approx(2 * np.std([one, one / 2], axis=0, ddof=1))


def test_many_bins_are_merged(histogram, contributions, points):
    import hist

    fine = hist.Hist(histogram.axes[0], hist.axis.Regular(40, 0, 1, name="value", label="x"), storage=hist.storage.Weight())
    rng = np.random.default_rng(1)
    for name in ("data", "WJ", "DYT"):
        fine.fill(name, rng.random(400))
    merged = points(plot_ratios({"run": [fine]}, contributions).axes[0])["run"]
    sums = {name: fine[name, :].values().reshape(10, 4).sum(axis=1) for name in ("data", "WJ", "DYT")}
    assert merged == pytest.approx(sums["data"] / (sums["WJ"] + sums["DYT"]))


def test_a_bin_without_simulation_has_no_ratio(histogram, contributions, points):
    histogram.view(flow=True).value[1:, 3] = 0  # the third bin, after that of values below
    drawn = points(plot_ratios({"run": [histogram]}, contributions).axes[0])["run"]
    assert np.flatnonzero(np.isnan(drawn)).tolist() == [2]
