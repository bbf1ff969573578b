import numpy as np
import pytest
from matplotlib import pyplot
from scipy.stats import poisson

from TauAdv.plotting.closure import TAIL, _poisson, plot_closure


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def drawn_points(axes):
    """Heights of the error-bar points of a panel."""
    return axes.containers[-1].lines[0].get_ydata()


def test_points_and_ratio_are_the_histogram(histogram, contributions):
    main, ratio = plot_closure(histogram, contributions).axes
    data = histogram["data", :].values()
    simulation = histogram["WJ", :].values() + histogram["DYT", :].values()
    assert drawn_points(main) == pytest.approx(data[data > 0])
    assert drawn_points(ratio) == pytest.approx((data / simulation)[data > 0])
    assert ratio.get_ylim() == (0.5, 1.6)


def test_stack_reaches_the_sum(histogram, contributions):
    main = plot_closure(histogram, contributions).axes[0]
    tops = [patch.get_data().values for patch in main.patches if hasattr(patch, "get_data")]
    simulation = histogram["WJ", :].values() + histogram["DYT", :].values()
    assert any(np.allclose(top, simulation) for top in tops)


def test_band_is_the_error_of_the_weights(histogram, contributions):
    main = plot_closure(histogram, contributions).axes[0]
    values = histogram["WJ", :].values() + histogram["DYT", :].values()
    errors = np.sqrt(histogram["WJ", :].variances() + histogram["DYT", :].variances())
    bands = [patch.get_data() for patch in main.patches if hasattr(patch, "get_data") and np.ndim(patch.get_data().baseline)]
    assert any(np.allclose(b.values, values + errors) and np.allclose(b.baseline, values - errors) for b in bands)


def test_legend_names_every_part(histogram, contributions):
    main = plot_closure(histogram, contributions).axes[0]
    texts = {text.get_text() for text in main.get_legend().get_texts()}
    assert texts == {"Data", "W+jets", "genuine", "MC stat. error"}


def test_axis_labels_and_notes(histogram, contributions):
    histogram.fill("data", [-1.0] * 100)
    main, ratio = plot_closure(histogram, contributions, title="control region", notes=["chi2 7.8"]).axes
    assert ratio.get_xlabel() == "$D_{jet}$"
    assert main.get_ylabel() == "Candidates / 0.1"
    texts = "\n".join(text.get_text() for text in main.texts)
    assert "control region" in texts
    assert "chi2 7.8" in texts
    assert "outside the range: data 25 %" in texts


@pytest.mark.parametrize("n_lines", [0, 2, 5])
def test_text_is_above_the_data(histogram, contributions, n_lines):
    figure = plot_closure(histogram, contributions, notes=["chi2/ndf = 1"] * n_lines)
    main, renderer = figure.axes[0], figure.canvas.get_renderer()
    written = [text.get_window_extent(renderer) for text in main.texts if text.get_text()]
    lowest = min(main.transData.inverted().transform(box.min)[1] for box in written)
    data = histogram["data", :].values()
    assert (data + np.sqrt(data)).max() < lowest


def test_empty_bins_are_not_drawn(histogram, contributions):
    histogram.reset()
    histogram.fill("data", [0.55])
    histogram.fill("DYT", [0.95])
    main, ratio = plot_closure(histogram, contributions, log=True).axes
    assert len(drawn_points(main)) == 1
    assert len(drawn_points(ratio)) == 0


def test_empty_histogram_is_drawn(histogram, contributions):
    histogram.reset()
    plot_closure(histogram, contributions).canvas.draw()


def test_arrows_mark_points_outside_the_panel(histogram, contributions):
    histogram.reset()
    histogram.fill("data", np.full(50, 0.55))
    histogram.fill("DYT", np.full(10, 0.55))
    _, ratio = plot_closure(histogram, contributions).axes
    arrows = [line for line in ratio.lines if line.get_marker() == "^"]
    assert [len(line.get_xdata()) for line in arrows] == [1]


def test_poisson_bars_hold_68_percent():
    low, high = _poisson(np.array([0.0, 1.0, 25.0]))
    assert low[0] == 0
    assert high[0] == pytest.approx(1.841, abs=1e-3)
    assert poisson.cdf(25, 25 + high[2]) == pytest.approx(TAIL, rel=1e-6)
    assert poisson.sf(24, 25 - low[2]) == pytest.approx(TAIL, rel=1e-6)
