import hist
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from TauAdv.domain.classes import class_colors
from TauAdv.plotting.jets.flavours import draw_flavours, normalised, plot_absent, plot_flavours
from TauAdv.plotting.jets.reweighting import plot_reweighting
from TauAdv.plotting.style import save_figure

pytestmark = pytest.mark.slow

matplotlib.use("Agg")


@pytest.fixture
def filled():
    flavours = hist.axis.StrCategory(["b", "c", "udsg", "other"], name="flavour")
    histogram = hist.Hist(flavours, hist.axis.Regular(4, 0, 2, name="value", label="value [GeV]"))
    histogram.fill("b", [0.1, 0.6, 0.7])
    histogram.fill("c", [1.9, 5.0])
    return histogram


def test_lines_have_the_content_and_empty_flavours_are_left_out(filled):
    _, axes = pyplot.subplots()
    draw_flavours(axes, filled)
    drawn = {label: patch for patch, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    assert set(drawn) == {"b jet", "c jet"}
    steps = {patch.get_label(): patch for patch in axes.patches}
    np.testing.assert_allclose(steps["b jet"].get_data().values * 0.5, [1 / 3, 2 / 3, 0, 0])
    np.testing.assert_allclose(steps["c jet"].get_data().values * 0.5, [0, 0, 0, 1])
    assert matplotlib.colors.to_hex(steps["b jet"].get_edgecolor()) == class_colors(["b"])["b"]
    assert axes.get_xlabel() == "value [GeV]"
    pyplot.close("all")


@pytest.mark.parametrize("number", [1, 5])
def test_panels(filled, number, tmp_path):
    figure = plot_flavours([filled] * number, title="test", columns=3, log=True)
    assert sum(panel.get_visible() for panel in figure.axes) == number
    legends = figure.legends + [panel.get_legend() for panel in figure.axes if panel.get_legend()]
    assert [text.get_text() for legend in legends for text in legend.get_texts()] == ["b jet", "c jet"]
    assert all(path.stat().st_size > 5000 for path in save_figure(figure, tmp_path, "panels"))


def test_errors_are_those_of_the_counts():
    flavours = hist.axis.StrCategory(["b", "c"], name="flavour")
    histogram = hist.Hist(flavours, hist.axis.Variable([0, 1, 3], name="value", label="x"), storage=hist.storage.Weight())
    histogram.fill("b", [0.5, 0.6, 2.0], weight=[1.0, 3.0, 2.0])
    values, errors = normalised(histogram["b", :])
    np.testing.assert_allclose(values, [4 / 6, 2 / 6 / 2])
    np.testing.assert_allclose(errors, [np.sqrt(10) / 6, 2 / 6 / 2])
    assert not any(each.any() for each in normalised(histogram["c", :]))
    _, axes = pyplot.subplots()
    draw_flavours(axes, histogram)
    (bars,) = axes.collections
    ends = np.array(bars.get_segments())[:, :, 1]
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 2 * errors)
    assert axes.get_ylabel() == "1/N dN/dx of each flavour"
    pyplot.close("all")


def test_ratio_to_the_mean_of_the_flavours_shows_closure():
    flavours = hist.axis.StrCategory(["b", "c", "udsg"], name="flavour")
    before = hist.Hist(flavours, hist.axis.Regular(3, 0, 3, name="value", label="pt"), storage=hist.storage.Weight())
    before.fill("b", [0.5] * 60 + [1.5] * 40)
    before.fill("c", [0.5] * 20 + [1.5] * 80)
    after = before.copy()
    view = after.view()
    view.value[:2], view.variance[:2] = (50.0, 60.0, 0.0), (50.0, 60.0, 0.0)
    view.value[0, 2] = view.variance[0, 2] = 10.0  # the other flavour has none there: no ratio
    view.value[0, 0] = 40.0
    mains_and_ratios = plot_reweighting(before, after, title="weights").axes
    left, right = ([line.get_ydata() for line in axes.lines if line.get_marker() == "o"] for axes in mains_and_ratios[2:])
    np.testing.assert_allclose(left, [[1.5, 2 / 3, np.nan], [0.5, 4 / 3, np.nan]])
    shares = np.array([[40, 60], [50, 60]]) / np.array([[110], [110]])
    np.testing.assert_allclose(np.array(right)[:, :2], shares / shares.mean(axis=0))
    assert np.isnan(np.array(right)[:, 2]).all()
    assert mains_and_ratios[2].get_xlabel() == "pt"
    pyplot.close("all")


def test_histogram_without_values_says_so():
    flavours = hist.axis.StrCategory(["b"], name="flavour")
    figure = plot_flavours([hist.Hist(flavours, hist.axis.Regular(2, 0, 1, name="value", label="empty"))] * 2, log=True)
    assert "no values" in [text.get_text() for text in figure.axes[1].texts]
    pyplot.close(figure)


def test_absent_fractions():
    figure = plot_absent({"one": 0.25, "two": 1.0}, title="jets")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.25, 1.0]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["one", "two"]
    pyplot.close(figure)
