import numpy as np
import pytest
from matplotlib import pyplot

from TauAdv.plotting.roc import plot_roc


def test_ratio_is_to_the_reference(curve):
    main, ratio = plot_roc({"before": curve(), "after": curve(1.2)}, "before", title="simulation").axes
    assert main.get_yscale() == "log"
    assert ratio.lines[0].get_ydata() == pytest.approx(np.ones(50))
    assert ratio.lines[1].get_ydata() == pytest.approx(np.full(50, 1.2))
    assert "before" in ratio.get_ylabel()
    assert main.get_ylabel() == "Jet misidentification probability"
    pyplot.close("all")


def test_points_without_background_are_left_out(curve):
    reference = curve()
    reference.mis_id[:10] = 0
    main, ratio = plot_roc({"only": reference}, "only").axes
    assert len(main.lines[0].get_ydata()) == 40
    assert np.all(np.isfinite(ratio.lines[0].get_ydata()))
    assert main.get_ylim()[0] > 0
    pyplot.close("all")


def test_curve_without_any_background_is_drawn(curve):
    reference = curve(0.0)
    plot_roc({"only": reference}, "only").canvas.draw()
    pyplot.close("all")


def test_unknown_reference_is_named(curve):
    with pytest.raises(KeyError, match="nobody"):
        plot_roc({"before": curve()}, "nobody")


def test_adaptive_ratio_holds_what_is_known(curve):
    noisy = curve(50.0)
    noisy.low = noisy.mis_id / 10  # known to a factor of 10: it may lie outside, marked by arrows
    figure = plot_roc({"raw": curve(), "attacked": curve(7.0), "noisy": noisy}, "raw", ratio_range=None)
    _, ratio = figure.axes
    assert (ratio.get_yscale(), ratio.get_ylim()) == ("log", (0.5, 10.0))
    arrows = [line for line in ratio.lines if line.get_marker() == "^"]
    assert len(arrows) == 1
    pyplot.close("all")
