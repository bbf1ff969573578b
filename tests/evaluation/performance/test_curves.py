"""ROC curves and working points against scikit-learn and scipy, and files of either layout."""

import json

import numpy as np
import pytest
from evaluation_inputs import write_run_of_tables
from performance_inputs import labelled_table, original, original_file
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.working_points import PUBLISHED
from TauAdv.evaluation.performance.curves import measure_performance
from TauAdv.evaluation.performance.files import as_json, read_performance
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.report import as_text
from TauAdv.evaluation.performance.settings import PerformanceSettings
from TauAdv.evaluation.performance.working_points import derive_from
from TauAdv.runs import find_run

CLASSES = {"e": 0, "mu": 1, "jet": 3}
ALL = PerformanceSettings(pt_bins=((0, 1000),), abs_eta_bins=((0, 3),), decay_mode_bins=((0, 1, 2, 5, 10, 11),))


@pytest.fixture(scope="module")
def table():
    return labelled_table()


def sides(table, background):
    rows = table[table["y"].isin([2, CLASSES[background]])]
    score = rows["p_tau"] / (rows["p_tau"] + rows[f"p_{background}"])
    return (rows["y"] == 2).to_numpy(), score.to_numpy(), rows["weights"].to_numpy()


@pytest.mark.parametrize("background", CLASSES)
def test_curve_and_area_are_those_of_scikit_learn(table, background):
    found = measure_performance(LabelledTaus.of(table, "t"), ALL, name="x")
    (curve,) = [curve for curve in found.curves if curve.background == background]
    truth, score, weight = sides(table, background)
    mis_id, efficiency, cuts = roc_curve(truth, score, sample_weight=weight, drop_intermediate=False)
    assert curve.auc.value == pytest.approx(roc_auc_score(truth, score, sample_weight=weight), rel=1e-9)
    for number, cut in enumerate(curve.curve.thresholds):
        # a score above the cut passes, here; at or above the cut, there
        place = np.flatnonzero(cuts > cut)[-1]
        assert curve.curve.efficiency[number] == pytest.approx(efficiency[place], rel=1e-9)
        assert curve.curve.mis_id[number] == pytest.approx(mis_id[place], rel=1e-9, abs=1e-12)
    assert np.all(np.diff(curve.curve.efficiency) > 0)


def test_working_points_and_their_intervals(table):
    table = table.assign(weights=1.0)
    found = measure_performance(LabelledTaus.of(table, "t"), PerformanceSettings(), PUBLISHED["2018v2p5"])
    assert len(found.curves) == 6
    for curve in found.curves:
        low, high = curve.bin.pt
        inside = table["tau_pt"].between(low, high, inclusive="left") & table["tau_decayMode"].isin([0, 1, 2, 10, 11])
        truth, score, _ = sides(table[inside], curve.background)
        assert curve.counts == {"tau": truth.sum(), curve.background: (~truth).sum()}
        assert list(curve.points.names) == list(PUBLISHED["2018v2p5"][curve.background])[::-1]
        for number, name in enumerate(curve.points.names):
            passes = score > PUBLISHED["2018v2p5"][curve.background][name]
            for side, prefix in ((truth, "efficiency_"), (~truth, "")):
                expected = binomtest(int(passes[side].sum()), int(side.sum())).proportion_ci(0.6826894921370859)
                ends = [getattr(curve.points, prefix + end)[number] for end in ("low", "high")]
                assert ends == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_weights_of_two_equal_rows_twice(table):
    heavy = table.assign(weights=np.where(np.arange(len(table)) % 3 == 0, 2.0, 1.0))
    twice = table.loc[np.repeat(np.arange(len(table)), heavy["weights"].astype(int))].assign(weights=1.0)
    curves = [measure_performance(LabelledTaus.of(rows, "t"), ALL, PUBLISHED["2018v2p5"]).curves for rows in (heavy, twice)]
    for one, other in zip(*curves, strict=True):
        assert one.auc.value == pytest.approx(other.auc.value, rel=1e-12)
        np.testing.assert_allclose(one.points.efficiency, other.points.efficiency, rtol=1e-12)
        np.testing.assert_allclose(one.curve.mis_id, other.curve.mis_id, rtol=1e-12)


def test_requirement_on_the_others(table):
    settings = ALL.model_copy(update={"require": {"e": "Tight", "jet": "Loose"}, "against": ("jet",)})
    (curve,) = measure_performance(LabelledTaus.of(table, "t"), settings, PUBLISHED["2018v2p5"]).curves
    passes = table["p_tau"] / (table["p_tau"] + table["p_e"]) > 0.9529
    assert curve.counts == {"tau": (passes & (table["y"] == 2)).sum(), "jet": (passes & (table["y"] == 3)).sum()}
    with pytest.raises(InputError, match=r"require\.e: no threshold of 'Tight'; there are none"):
        measure_performance(LabelledTaus.of(table, "t"), settings)


def test_bins_without_candidates_are_named(table):
    settings = PerformanceSettings(pt_bins=((20, 60), (500, 600)), against=("e",))
    found = measure_performance(LabelledTaus.of(table, "t"), settings)
    assert len(found.curves) == 1
    assert found.empty[0].startswith("e, pt 500 to 600 GeV")
    assert found.empty[0].endswith("no candidates of tau, no candidates of e")
    assert "EMPTY: e, pt 500 to 600 GeV" in as_text(found, "t")
    with pytest.raises(InputError, match="no bin holds genuine taus and background"):
        measure_performance(LabelledTaus.of(table, "t"), PerformanceSettings(pt_bins=((500, 600),)))


def test_a_background_of_no_weight_is_an_empty_bin(table):
    none = table.assign(weights=np.where(table["y"] == 3, 0.0, 1.0))
    found = measure_performance(LabelledTaus.of(none, "t"), ALL)
    assert [curve.background for curve in found.curves] == ["e", "mu"]
    assert "candidates of jet with the total weight 0" in found.empty[0]


def test_negative_weights_of_taus_are_an_error_that_says_what_to_do(table):
    chosen = (table["y"] == 2) & table["tau_pt"].between(40, 70) & (table["tau_decayMode"] == 1)
    chosen &= (table["tau_eta"].abs() < 2) & (table["tau_dz"].abs() < 0.1)
    negative = table.assign(weights=np.where(table.index == table.index[chosen][0], -1.0, 1.0))
    taus = LabelledTaus.of(negative, "t")
    for measure in (lambda: measure_performance(taus, ALL), lambda: derive_from(taus)):
        with pytest.raises(InputError, match=r"t: 1 of \d+ genuine taus have negative weights, .*weighted=false"):
            measure()
    unweighted = measure_performance(taus, ALL.model_copy(update={"weighted": False}))
    assert len(unweighted.curves) == 3


def test_file_reads_back_as_it_was(table, tmp_path):
    found = measure_performance(LabelledTaus.of(table, "t"), PerformanceSettings(period="2018"), PUBLISHED["2018v2p5"])
    file = tmp_path / "performance.json"
    file.write_text(json.dumps(as_json(found), allow_nan=False))
    again = read_performance(file)
    assert as_json(again) == as_json(found)
    assert (again.name, again.period, again.thresholds) == ("tagger", "2018", PUBLISHED["2018v2p5"])


def test_a_file_of_the_original(tmp_path):
    errors = {f"{side}_positive_rate_{end}": [0.01, 0.02, 0.0005] for side in ("true", "false") for end in ("up", "down")}
    errors["false_positive_rate_up"] = [0.0, 0.0002, 0.003]
    found = read_performance(original_file(tmp_path / "p.json", original(), points=[original(**errors)]))
    assert (found.name, found.period) == ("DeepTau (v2.1)", "2018 (13 TeV)")
    (curve,) = found.curves
    assert (curve.background, curve.bin.pt, curve.bin.decay_modes) == ("jet", (20, 100), (0, 1, 2, 10, 11))
    assert curve.curve.mis_id.tolist() == curve.curve.low.tolist() == [0, 1e-3, 1e-2]
    # "up" of the original is the distance to the lower end
    assert curve.points.low == pytest.approx([0, 0.0008, 0.007])
    assert curve.points.high == pytest.approx([0.01, 0.021, 0.0105])
    assert curve.points.names == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "not a performance.json of TauAdv or TauMLTools"),
        ("not json", "not a performance.json of TauAdv or TauMLTools"),
        ('{"name": "x", "metrics": {}}', "expected curves under metrics.roc_curve or metrics.roc_wp, found none"),
        (json.dumps({"name": "x", "metrics": {"roc_curve": [original(true_positive_rate=[0.1])]}}), "lists of one length"),
        (json.dumps({"name": "x", "metrics": {"roc_curve": [original(vs_type="tau")]}}), "vs_type: expected e, mu, jet"),
        (json.dumps({"name": "x", "metrics": {"roc_curve": [original(pt_max=float("inf"))]}}), r"roc_curve\.0\.pt_max"),
        (
            json.dumps({"name": "x", "metrics": {"roc_curve": [original(true_positive_rate=[0.1, 0.2, 7])]}}),
            r"metrics\.roc_curve\.0\.true_positive_rate\.2: ",
        ),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "performance.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_performance(tmp_path / "performance.json")
    with pytest.raises(InputError, match="no such file"):
        read_performance(tmp_path / "none.json")


def test_script_writes_into_the_run_and_prints_tables(table, tmp_path, run_script, capsys):
    run = write_run_of_tables(tmp_path / "mlruns", table, contributions=None)
    options = ["--mlpath", run.mlpath, "--expID", run.id, "--working-points", "2018v2p5"]
    run_script("Evaluation/evaluate_performance.py", *options, "pt_bins=[[20,60],[60,100]]", "against=[jet]")
    printed = capsys.readouterr().out
    found = read_performance(run.artifacts / "performance.json")
    assert [curve.bin.pt for curve in found.curves] == [(20, 60), (60, 100)]
    assert "published thresholds 2018v2p5" in printed
    metrics = find_run(run.mlpath, run.id).metrics
    medium = found.curves[0].points.mis_id[found.curves[0].points.names.index("Medium")]
    assert metrics["performance/mis_id_jet_Medium_pt20-60"] == pytest.approx(medium)
    assert metrics["performance/auc_jet_pt60-100"] == pytest.approx(found.curves[1].auc.value)
    cells = [line.split("|") for line in printed.splitlines() if line.startswith("| jet ") and "Medium" in line]
    assert len(cells) == 2
    for row, curve in zip(cells, found.curves, strict=True):
        place = curve.points.names.index("Medium")
        assert float(row[3]) == 0.96
        assert float(row[4].split()[0]) == pytest.approx(100 * curve.points.efficiency[place], rel=5e-3)
        assert float(row[5].split()[0]) == pytest.approx(100 * curve.points.mis_id[place], rel=5e-3, abs=1e-9)
