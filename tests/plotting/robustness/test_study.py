"""The plots of a study, and the page that shows them: drawn values are those of the tables."""

import re
from types import SimpleNamespace

import hist
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from TauAdv.domain.discriminators import choose_discriminators
from TauAdv.evaluation.losses.of_runs import history_of_runs, plots_folder
from TauAdv.evaluation.robustness.settings import load_robustness_settings
from TauAdv.plotting.losses.history import plot_history
from TauAdv.plotting.losses.of_runs import save_loss_history
from TauAdv.plotting.losses.surface import plot_surface
from TauAdv.plotting.robustness import study as robustness
from TauAdv.plotting.robustness.matrices import plot_matrices
from TauAdv.plotting.robustness.shapes import merged_bins, plot_shapes
from TauAdv.plotting.robustness.study import save_robustness_report
from TauAdv.plotting.robustness.summary import in_short
from TauAdv.plotting.robustness.trends import plot_epochs, plot_regions, plot_scan
from TauAdv.plotting.style import style
from TauAdv.runs import start_run

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


@pytest.fixture
def shape():
    rng = np.random.default_rng(1)
    axes = [
        hist.axis.StrCategory(["raw", "FGSM"], name="disturbance"),
        hist.axis.StrCategory(["b", "c", "udsg"], name="flavour"),
    ]
    filled = hist.Hist(
        *axes, hist.axis.Regular(20, 0, 10, name="value", label="vertex mass [GeV]"), storage=hist.storage.Weight()
    )
    for disturbance, scale in (("raw", 2.0), ("FGSM", 2.3)):
        for flavour in ("b", "udsg"):
            filled.fill(disturbance, flavour, rng.exponential(scale, 500), weight=rng.uniform(0.5, 1, 500))
    return filled


def table(x, values):
    rows = []
    for number, run in enumerate(("nominal", "adversarial")):
        for disturbance in ("raw", "FGSM"):
            for value in values:
                figures = {
                    "auc": 0.9 - 0.1 * number,
                    "auc_error": 0.01,
                    "efficiency_at_0.1": 0.7,
                    "efficiency_at_0.1_error": 0.02,
                }
                rows.append({"run": run, "disturbance": disturbance, "discriminator": "BvsL", x: value, **figures})
    return pd.DataFrame(rows)


def test_shapes_and_ratio_are_the_histogram(shape):
    main, ratio = plot_shapes({"vertex_mass": shape}, "FGSM", {("vertex_mass", "b"): 0.123}, title="nominal").axes
    raw, now = (shape[name, "b", :] for name in ("raw", "FGSM"))
    points = main.containers[0].lines[0].get_ydata()
    assert points == pytest.approx(now.values()[now.values() > 0])
    filled = (raw.values() > 0) & (now.values() > 0)
    expected = now.values()[filled] / raw.values()[filled]
    assert ratio.containers[0].lines[0].get_ydata() == pytest.approx(expected)
    error = expected * np.hypot(*(np.sqrt(side.variances()[filled]) / side.values()[filled] for side in (now, raw)))
    segments = np.array(ratio.containers[0].lines[2][0].get_segments())
    assert (segments[:, 1, 1] - segments[:, 0, 1]) / 2 == pytest.approx(error)
    low, high = ratio.get_ylim()
    known = error < 0.5 * expected
    assert ((expected[known] >= low) & (expected[known] <= high)).all()
    assert (main.get_yscale(), ratio.get_xlabel()) == ("log", "vertex mass [GeV]")
    assert [text.get_text() for text in main.get_legend().get_texts()] == [
        "b jet (KL 0.12)",
        "light jet",
    ]  # there are no c jets


def test_sides_of_shapes_are_told_once(shape):
    figure = plot_shapes({"one": shape, "two": shape}, "FGSM", title="nominal   FGSM: eps = 0.1")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["lines: raw", "points: FGSM"]
    assert "nominal   FGSM: eps = 0.1" in [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("bins", [1, 20, 25, 26, 29, 49, 50, 51, 53, 58, 64, 97, 100, 251])
def test_bins_are_merged_evenly(bins):
    filled = hist.Hist(
        hist.axis.StrCategory(["raw"]), hist.axis.Regular(bins, 0, 1, label="x"), storage=hist.storage.Weight()
    )
    filled.fill("raw", np.random.default_rng(1).uniform(-0.1, 1.1, 1000), weight=2.0)
    merged = merged_bins(filled)
    (edges, before), number = (each.axes[1].edges for each in (merged, filled)), len(merged.axes[1])
    assert number == bins if bins <= 25 else 13 <= number <= 25
    together = round((edges[1] - edges[0]) * bins)
    np.testing.assert_array_equal(edges, [*before[:-1:together], before[-1]])
    for kind in ("values", "variances"):
        contents = getattr(filled, kind)()[0]
        expected = [contents[start : start + together].sum() for start in range(0, bins, together)]
        np.testing.assert_array_equal(getattr(merged, kind)()[0], expected)
    assert merged.sum(flow=True) == filled.sum(flow=True) != filled.sum()
    assert merged.axes[1].label == "x"


def test_shapes_of_nothing_are_drawn(shape):
    plot_shapes({"vertex_mass": shape * 0}, "FGSM").canvas.draw()


def test_lines_are_the_table():
    figure = plot_scan(table("eps", [0.1, 0.0, 0.05]), [0.1], title="b against light")
    first = figure.axes[0].lines[0]
    assert first.get_xdata().tolist() == [0.0, 0.05, 0.1]
    assert first.get_ydata() == pytest.approx([0.9] * 3)
    assert [axes.get_ylabel() for axes in figure.axes] == ["AUC", "Efficiency at 10 % mistag"]
    assert "standard deviations" in figure.axes[0].get_xlabel()
    figure = plot_epochs({"b against light": table("epoch", [1, 2, 3])})
    assert figure.axes[0].get_xlabel() == "Epoch"
    assert "b against light" in [text.get_text() for text in figure.axes[0].texts]


def labels_of(legend):
    return [text.get_text() for text in legend.get_texts()]


def test_keys_show_the_line_style_of_their_run():
    """All entries, no marker that hides the dashes, no two alike."""
    rows = pd.concat([table("eps", [0.0, 0.1]), table("eps", [0.0, 0.1]).assign(run=lambda t: t["run"] + " seed 2")])
    figure = plot_scan(rows, [0.1])
    (legend,) = figure.legends
    assert sorted(labels_of(legend)) == sorted(
        f"{a}, {b}" for a, b in set(zip(rows["run"], rows["disturbance"], strict=True))
    )
    keys = legend.get_lines()
    assert {key.get_marker() for key in keys} == {"None"}
    drawn = figure.axes[0].lines
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in drawn if not line.get_label().startswith("_")}
    assert len(looks) == len(keys) == 8


def test_panel_without_measurement_says_so():
    rows = table("eps", [0.0, 0.1]).assign(**{"efficiency_at_0.1": np.nan, "efficiency_at_0.1_error": np.nan})
    figure = plot_scan(rows, [0.1])
    figure.canvas.draw()
    auc, efficiency = ([text.get_text() for text in panel.texts] for panel in figure.axes)
    assert (auc, efficiency) == ([], ["no measurement:\ntoo little background"])


def test_bands_end_at_possible_values():
    rows = table("eps", [0.0, 0.1]).assign(auc=0.995, auc_error=0.01)
    rows["efficiency_at_0.1"] = 0.005
    auc, efficiency = plot_scan(rows, [0.1]).axes
    for panel in (auc, efficiency):
        ends = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in panel.collections])
        assert ends.min() >= 0
        assert ends.max() <= 1


def test_regions_are_drawn_within_their_bins():
    rows = table("low", [20.0, 50.0]).assign(variable="pt")
    rows["high"] = rows["low"] + 30
    axes = plot_regions({"BvsL": rows}, "pt", ["raw"]).axes[0]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    x = np.concatenate([line.get_xdata() for line in points])
    assert len(points) == 2  # of two runs
    assert points[1].get_markerfacecolor() == "white"
    assert ((x > 20) & (x < 80)).all()
    assert axes.get_xlabel() == "$p_T$ [GeV]"
    plot_regions({"BvsL": rows}, "abs_eta", ["raw"]).canvas.draw()  # nothing there


def test_history():
    rows = pd.DataFrame(
        {"run": "one", "metric": ["loss", "loss", "val_loss", "k2_loss"], "epoch": [2, 1, 1, 1], "value": [0.5, 1.0, 0.8, 3]}
    )
    axes = plot_history(rows).axes[0]
    clean = "one: val_loss (validation set, clean)"
    assert [line.get_label() for line in axes.lines] == ["one: loss (training set)", clean]
    assert labels_of(axes.get_legend()) == ["one: loss (training set)", clean]
    for attacked, text in ((True, "attacked"), (False, "clean")):
        axes = plot_history(rows.assign(attacked=attacked)).axes[0]
        assert [line.get_label() for line in axes.lines] == [f"one: loss (training set, {text})", clean]
    domains = pd.concat([rows, rows.assign(metric="adv_loss"), rows.assign(metric="val_adv_loss")])
    assert "one: adv_loss (domains, training)" in [line.get_label() for line in plot_history(domains).axes[0].lines]
    assert axes.lines[0].get_ydata().tolist() == [1.0, 0.5]
    assert [line.get_label() for line in plot_history(rows, ["k2_loss"]).axes[0].lines] == ["one: k2_loss"]


def test_matrices_are_written_in():
    values, errors = np.array([[0.9, 0.8], [np.nan, 0.7]]), np.full((2, 2), 0.01)
    options = {"row_label": "Made with", "column_label": "Read by", "value_range": (0.5, 1.0)}
    figure = plot_matrices({"BvsL": values}, ["a", "b"], ["a", "b"], errors={"BvsL": errors}, **options)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:4] == ["0.900\n± 0.010", "0.800\n± 0.010", "-\n± 0.010", "0.700\n± 0.010"]
    assert figure.axes[0].get_ylabel() == "Made with"


def test_surface_has_the_jet_and_its_box():
    axis = SimpleNamespace(label="jet $p_T$ [GeV]", values=np.linspace(10, 50, 9), value=30.0, box=(28.0, 33.0))
    surface = SimpleNamespace(x=axis, y=axis, loss=np.add.outer(axis.values, axis.values), title="b jet")
    axes = plot_surface(surface).axes[0]
    (box,) = [patch for patch in axes.patches if hasattr(patch, "get_xy") and patch.get_label().startswith("box")]
    assert (box.get_xy(), box.get_width(), box.get_height()) == ((28.0, 28.0), 5.0, 5.0)
    flat = SimpleNamespace(x=axis, y=axis, loss=np.ones((9, 9)), title="")
    plot_surface(flat).canvas.draw()


def test_summary_in_three_lines():
    performance = pd.concat(
        [table("x", [0]).assign(discriminator=one) for one in ("BvsL", "BvsC", "CvsB", "CvsL", "b_vs_rest")]
    )
    performance["auc"] -= 0.2 * (performance["disturbance"] == "FGSM")
    recovered = pd.DataFrame(
        [{"run": "adversarial", "disturbance": "FGSM", "discriminator": "BvsC", "recovered": 0.61, "recovered_error": 0.02}]
    )
    study = SimpleNamespace(
        performance=performance,
        recovered=recovered,
        settings=load_robustness_settings(),
        run_ids={"nominal": "1", "adversarial": "2"},
        discriminators=choose_discriminators(("b", "c", "udsg"), None),
    )
    lines = in_short(study)
    assert [line.split(":")[0] for line in lines] == [
        "b against light",
        "b against c",
        "c against light",
    ]  # c against b mirrors
    assert "nominal 0.9000 ± 0.0100 raw, 0.7000 ± 0.0100 under FGSM (eps = 0.05); adversarial" in lines[0]
    assert lines[1].endswith("Won back of the loss: adversarial 61 ± 2 %")
    assert in_short(SimpleNamespace(performance=pd.DataFrame(), discriminators=study.discriminators)) == []


def test_report_of_a_study(shape, tmp_path):
    """Everything that a study may hold is drawn once, and only what it holds."""
    from TauAdv.evaluation.robustness.study import RobustnessStudy

    settings = load_robustness_settings(None, ["mistags=[0.1]", "shapes=[FGSM]"])
    runs = {"nominal": "1", "adversarial": "2"}
    points = np.linspace(0.1, 0.9, 9)
    curve = SimpleNamespace(efficiency=points, mis_id=0.1 * points**3, low=0.09 * points**3, high=0.11 * points**3)
    transfer = pd.DataFrame(
        [
            {"disturbance": "FGSM", "made_with": a, "read_by": b, "discriminator": "BvsL", "auc": 0.8, "auc_error": 0.01}
            for a in runs
            for b in runs
        ]
    )
    study = RobustnessStudy(
        settings=settings,
        run_ids=runs,
        test=tmp_path,
        rows="jets",
        counts={"b": 1},
        discriminators=choose_discriminators(("b", "c", "udsg"), ["BvsL"]),
        performance=table("x", [0]),
        scan=table("eps", [0.0, 0.1]),
        transfer=transfer,
        roc={("BvsL", run, name): curve for run in runs for name in ("raw", "FGSM")},
        scores={("BvsL", run): shape for run in runs},
        confusion={(run, "raw"): np.eye(3) for run in runs},
    )
    page = save_robustness_report(study, tmp_path / "report").read_text()
    drawn = {path.stem for path in (tmp_path / "report" / "plots").glob("*.png")}
    scores = {f"scores_{run}_FGSM" for run in runs}
    assert drawn == {"roc_BvsL", "scan_BvsL", "transfer_FGSM", "confusion_nominal", "confusion_adversarial", *scores}
    assert all(f'href="plots/{name}.pdf"' in page for name in drawn)
    assert page.count("<img ") == len(drawn) == page.count("data:image/png;base64,")
    assert "Loss history" not in page
    assert "<li>b against light: AUC nominal 0.9000" in page


@pytest.mark.parametrize(("runs", "names"), [(2, ["raw", "FGSM", "PGD", "noise"]), (6, ["raw", "FGSM", "PGD", "noise"])])
def test_roc_curves_of_many_runs_are_told_apart(runs, names):
    """The legend is beside the panels and has all curves; no two look the same; of too many, the strongest attack stays."""
    labels = {f"run {number}": str(number) for number in range(runs)}
    auc = {"raw": 0.9, "FGSM": 0.7, "PGD": 0.6, "noise": 0.89}
    points = np.linspace(0.1, 0.9, 9)
    curve = SimpleNamespace(efficiency=points, mis_id=0.1 * points**3, low=0.09 * points**3, high=0.11 * points**3)
    study = SimpleNamespace(
        run_ids=labels,
        discriminators=choose_discriminators(("b", "c", "udsg"), ["b_vs_rest"]),
        settings=load_robustness_settings(),
        roc={("b_vs_rest", run, name): curve for run in labels for name in names},
        performance=pd.DataFrame(
            [
                {"discriminator": "b_vs_rest", "run": run, "disturbance": name, "auc": auc[name], "auc_error": 0.01}
                for run in labels
                for name in names
            ]
        ),
    )
    ((_, _, figure),) = robustness._roc(study)
    main, ratio = figure.axes
    legend = main.get_legend()
    expected = names if runs == 2 else ["raw", "PGD"]
    assert labels_of(legend) == [f"{run}, {each}: AUC {auc[each]:.4f} ± 0.0100" for run in labels for each in expected]
    curves = [line for line in main.lines if not line.get_label().startswith("_")]
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in curves}
    assert len(looks) == len(curves) == len(expected) * runs
    with style():
        figure.canvas.draw()
        box, panel, label = (each.get_window_extent() for each in (legend, main, main.yaxis.label))
    assert box.x0 > panel.x1
    assert box.y0 > ratio.get_window_extent().y0
    note = legend.get_title().get_text()
    assert r"$\epsilon$ = 0.05" in note
    assert ("not drawn: FGSM, noise" in note) == (runs == 6)
    assert ratio.get_ylabel() == "Ratio to\nrun 0, raw"
    assert label.height <= panel.height


def test_many_runs_without_disturbances(tmp_path):
    """There is no strongest disturbance to draw: all curves are, on raw inputs."""
    nothing = ["disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"]
    runs = {f"run {number}": str(number) for number in range(13)}
    points = np.linspace(0.1, 0.9, 9)
    curve = SimpleNamespace(efficiency=points, mis_id=0.1 * points**3, low=0.09 * points**3, high=0.11 * points**3)
    study = SimpleNamespace(
        run_ids=runs,
        discriminators=choose_discriminators(("b", "c", "udsg"), ["BvsL"]),
        settings=load_robustness_settings(None, nothing),
        roc={("BvsL", run, "raw"): curve for run in runs},
        performance=pd.DataFrame(
            [{"discriminator": "BvsL", "run": run, "disturbance": "raw", "auc": 0.9, "auc_error": 0.01} for run in runs]
        ),
    )
    ((_, _, figure),) = robustness._roc(study)
    assert labels_of(figure.axes[0].get_legend()) == [f"{run}, raw: AUC 0.9000 ± 0.0100" for run in runs]


def test_page_of_one_part_has_no_empty_heading(tmp_path):
    from TauAdv.evaluation.robustness.study import RobustnessStudy

    settings, counts = load_robustness_settings(), {"b": 1}
    confusion = {("run", "raw"): np.eye(3)}
    one = choose_discriminators(("b", "c", "udsg"), ["BvsL"])
    study = RobustnessStudy(settings, {"run": "1"}, tmp_path, "jets", counts, one, confusion=confusion)
    page = save_robustness_report(study, tmp_path / "report").read_text()
    assert "In short" not in page
    assert re.findall("<h2[^>]*>(.*)</h2>", page) == ["Confusion"]


def test_history_goes_into_the_run(tmp_path):
    with start_run(tmp_path / "mlruns", "jets", "one") as run:
        run.log_metrics({"loss": 1.0}, 1)
        run.log_metrics({"loss": 0.5}, 2)
    paths = save_loss_history(history_of_runs(run.mlpath, [run.id]), plots_folder(run.mlpath, run.id))
    assert {path.name for path in paths} == {"loss_history.pdf", "loss_history.png"}
    assert all(path.parent == run.artifacts / "plots" and path.stat().st_size for path in paths)
