import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from TauAdv.errors import InputError
from TauAdv.plotting.scale_factors import plot_scale_factors


def table(value, error=0.1):
    rows = [
        {"against": "jet", "working_point": point, "decay_modes": mode, "pt_low": low, "pt_high": high, "inclusive": False}
        for point in ("Loose", "Tight")
        for mode in ("0", "1 2")
        for low, high in ((20, 40), (40, np.inf))
    ]
    found = pd.DataFrame(rows).assign(scale_factor=value, statistical_error=error / 2, error=error)
    return pd.concat([found, found.tail(1).assign(inclusive=True)])


def test_unknown_working_point():
    with pytest.raises(
        InputError, match=r"no working point 'Tigth' \(did you mean 'Tight'\?\) against jet; there are Loose, Tight"
    ):
        plot_scale_factors({"before": table(1.0)}, "Tigth")


def test_runs_beside_each_other_in_a_panel_for_each_decay_mode():
    after = table(1.0)
    after.loc[after["pt_low"] == 40, "scale_factor"] = np.nan  # a bin without a measurement
    figure = plot_scale_factors({"before": table(0.8), "after": after}, "Tight")
    panels = figure.axes
    assert [panel.texts[0].get_text() for panel in panels] == ["decay mode 0", "decay mode 1, 2"]
    points = [line for line in panels[0].lines if line.get_marker() == "o"]
    drawn = [container.get_label() for container in panels[0].containers if container.get_label() in ("before", "after")]
    assert drawn == ["before", "after"]
    np.testing.assert_array_equal([line.get_ydata() for line in points], [[0.8, 0.8], [1, np.nan]])
    assert points[0].get_xdata()[0] < 0 < points[1].get_xdata()[0]
    assert [text.get_text() for text in panels[-1].get_xticklabels()] == ["20 - 40", "> 40"]
    bars = [container for container in panels[0].containers if container.get_label() == "before"]
    segment = bars[0].lines[2][0].get_segments()[0]
    assert segment[:, 1] == pytest.approx([0.75, 0.85])  # the inner part is statistical
    pyplot.close("all")
