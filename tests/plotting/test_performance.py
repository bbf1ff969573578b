from types import SimpleNamespace

import numpy as np
from matplotlib import pyplot
from matplotlib.colors import to_hex

from TauAdv.plotting.performance import plot_compared


def points(curve):
    chosen = slice(10, 45, 10)
    names = ("efficiency", "mis_id", "low", "high")
    found = SimpleNamespace(**{name: getattr(curve, name)[chosen] for name in names})
    found.efficiency_low, found.efficiency_high = found.efficiency - 0.01, found.efficiency + 0.01
    return found


def test_colour_is_the_run_and_line_the_disturbance(curve):
    runs = {"one": "one", "one, FGSM": "one", "two": "two", "two, FGSM": "two"}
    compared = SimpleNamespace(
        background="mu",
        bin=SimpleNamespace(pt=(20, 100), abs_eta=(0, 2.5), decay_modes=(0, 1, 10)),
        curves={label: curve(1 + 0.2 * number) for number, label in enumerate(runs)},
        points={"one": points(curve())},
        runs=runs,
        disturbances={label: label.partition(", ")[2] for label in runs},
        reference="one",
    )
    figure = plot_compared(compared, period="2018 (13 TeV)")
    main, ratio = figure.axes
    lines = {line.get_label(): (to_hex(line.get_color()), line.get_linestyle()) for line in main.lines if line.get_label()}
    assert lines["one"][0] == lines["one, FGSM"][0] != lines["two"][0] == lines["two, FGSM"][0]
    assert lines["one"][1] == lines["two"][1] == "-" != lines["one, FGSM"][1] == lines["two, FGSM"][1]
    assert main.get_ylabel() == "Muon misidentification probability"
    (marked,) = [line for line in main.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(marked.get_xdata(), points(curve()).efficiency)
    assert "points: working points" in main.get_legend().get_title().get_text()
    assert any(text.get_text() == "2018 (13 TeV)" for text in main.texts)
    assert "one" in ratio.get_ylabel()
    pyplot.close("all")
