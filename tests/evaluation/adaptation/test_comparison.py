import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_inputs import small_comparison_settings
from specification_region import CONTRIBUTIONS

from TauAdv.cli.evaluation import compare
from TauAdv.cli.main import main
from TauAdv.errors import InputError, OutputExistsError
from TauAdv.evaluation.adaptation import report
from TauAdv.evaluation.adaptation.comparison import compare_runs
from TauAdv.evaluation.adaptation.report import as_dictionary, as_text, make_report, records, tables
from TauAdv.evaluation.adaptation.results import key_numbers
from TauAdv.evaluation.adaptation.text import in_blocks
from TauAdv.evaluation.measures.closure import closure_test
from TauAdv.evaluation.measures.mis_id import mis_id_at
from TauAdv.evaluation.predictions.inference import predict
from TauAdv.evaluation.predictions.tables import load_run_model
from TauAdv.runs.errors import StoreError
from TauAdv.runs.records import MlflowStore
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow

SETTINGS = small_comparison_settings()


def test_numbers_are_those_of_the_single_functions(comparison, runs, sets):
    control, test = ShardSet.open(sets.control), ShardSet.open(sets.test)
    model = load_run_model(runs.adversarial, control, test)
    result = comparison.results["adversarial"]
    assert result.closure.chi2 == pytest.approx(closure_test(predict(model, control).table, CONTRIBUTIONS, bins=5).chi2)
    table = predict(model, test).table
    tau, jet = table[table.y == 2], table[table.y == 3]
    expected = mis_id_at(0.7, tau.Djet, jet.Djet, tau.weights, jet.weights)
    assert result.mis_id[0].mis_id.value == pytest.approx(expected.mis_id.value)
    assert set(result.auc_lepton) == {"e", "mu"}


def test_only_models_with_a_head_have_y_adv(comparison):
    assert comparison.results["nominal"].y_adv is None
    assert set(comparison.results["adversarial"].y_adv) == {"data", "MC"}


def test_ratios_are_to_the_reference(comparison):
    assert comparison.results["k2=0"].mis_id_ratio is None
    result, reference = (comparison.results[name] for name in ("adversarial", "k2=0"))
    for number in (0, 1):
        expected = result.mis_id[number].mis_id.value / reference.mis_id[number].mis_id.value
        assert result.mis_id_ratio[number].value == pytest.approx(expected)


def test_drawn_simulation_has_the_total_of_data(comparison):
    for histogram in comparison.histograms.values():
        data = histogram["data", :].sum(flow=True).value
        simulation = sum(histogram[name, :].sum(flow=True).value for name in ("DYT", "TTT", "DYM", "TTJ", "WJ", "QCD"))
        assert simulation == pytest.approx(data)
        assert len(histogram.axes[1]) == 10
        # nothing is lost below 0 or above 1, and genuine taus are flat
        assert histogram["data", :].values().sum() == data


def test_text_has_a_column_per_run_and_the_verdict(comparison):
    text = as_text(comparison)
    header = text.splitlines()[0].split()
    assert header == ["nominal", "k2=0", "adversarial"]
    for line in ("chi2/ndf", "rate", "on Djet", "frozen features", "tau against jet", "mis-id at 70 %", "mis-id at 90 %"):
        assert line in text
    assert "TOO FEW TAUS TO TELL" in text  # 620 taus
    assert "5 % significance, 90 % power" in text
    assert "p-value of data against MC" in text


def test_warnings_are_in_the_text_and_in_the_json(comparison):
    assert comparison.warnings == ()  # runs that were never trained
    warned = replace(comparison, warnings=("run 1 was trained on taus of test: it is the training set",))
    assert "WARNING: run 1 was trained on taus of test" in as_text(warned)
    assert as_dictionary(warned)["warnings"] == list(warned.warnings)


def test_json_holds_numbers_only(comparison):
    content = json.loads(json.dumps(as_dictionary(comparison), allow_nan=False))
    assert list(content["runs"]) == ["nominal", "k2=0", "adversarial"]
    result = content["runs"]["adversarial"]
    assert result["closure"]["ndf"] == 5
    assert result["jet_mis_id"][1]["efficiency"] == 0.9
    assert len(result["closure"]["lower_edges"]) == 5


@pytest.fixture(scope="module")
def banded(runs, sets):
    asked = {"nominal": runs.nominal.id, "both": [runs.fine_tune.id, runs.adversarial.id]}
    return compare_runs(runs.mlruns, asked, sets.control, sets.test, settings=SETTINGS)


def test_several_runs_of_one_entry_are_a_band(banded, comparison, runs):
    first, second = (comparison.results[label] for label in ("k2=0", "adversarial"))
    assert [result.run_id for result in banded.results_of["both"]] == [runs.fine_tune.id, runs.adversarial.id]
    rates = [first.closure.rate.value, second.closure.rate.value]
    (row,) = banded.bands.query("entry == 'both' and number == 'closure/rate_top50'").to_dict("records")
    assert row["runs"] == 2
    assert row["mean"] == pytest.approx(sum(rates) / 2)
    assert row["spread"] == pytest.approx(abs(rates[0] - rates[1]) / 2**0.5)
    assert (row["lowest"], row["highest"]) == (min(rates), max(rates))
    assert banded.bands.query("entry == 'nominal'")["spread"].isna().all()
    shown = next(line for line in as_text(banded).splitlines() if line.startswith("data/MC rate"))
    assert shown.endswith(f"{row['mean']:.3f} ± {row['spread']:.3f} (2 runs)")
    shown = next(line for line in as_text(banded).splitlines() if line.startswith("  p-values"))
    assert all(f"{value:.2g}" in shown for result in (first, second) for value in result.domain_p_values.values())


def test_the_spread_of_trainings_is_an_uncertainty(banded):
    rows = banded.uncertainties.query("figure == 'data/MC, top 50 %'").set_index(["entry", "source"])["uncertainty"]
    (band,) = banded.bands.query("entry == 'both' and number == 'closure/rate_top50'").to_dict("records")
    assert rows["both", "trainings"] == pytest.approx(band["spread"])
    assert rows["both", "total"] > rows["both", "events"] > 0
    assert "Not varied: spread of trainings of nominal" in as_text(banded)
    assert "Not varied: composition, TTJ" in as_text(banded)


def test_json_of_a_band(banded):
    content = json.loads(json.dumps(as_dictionary(banded), allow_nan=False))
    assert [entry["label"] for entry in content["entries"]] == ["nominal", "both"]
    assert [content["entries"][1]["label"], *content["entries"][1]["runs"]] == ["both", *list(content["runs"])[1:]]
    bands = {(row["entry"], row["number"]): row for row in content["bands"]}
    assert bands["nominal", "closure/rate_top50"]["spread"] is None
    assert any("keeps no settings" in text for text in content["warnings"])


def test_many_columns_are_in_blocks():
    lines = [["", *(f"run number {number}" for number in range(5))], ["rate", *map(str, range(5))]]
    text = in_blocks(lines, widest=40)
    assert [line.split() for line in text if line.startswith("rate")] == [
        ["rate", "0", "1"],
        ["rate", "2", "3"],
        ["rate", "4"],
    ]
    assert max(map(len, text)) <= 40


def test_closure_above_thresholds_and_in_bins(comparison):
    result = comparison.results["adversarial"]
    top = result.details.region("top 50 %")
    assert (top.chi2, top.rate.value) == (pytest.approx(result.closure.chi2), pytest.approx(result.closure.rate.value))
    assert list(result.details.thresholds) == ["top 50 %", "top 20 %", *SETTINGS.closure_points]
    odd = replace(result, details=replace(result.details, regions=[replace(top, name="my point (50%)!")]))
    assert "closure/rate_mypoint50" in key_numbers(odd, SETTINGS)
    genuine = result.test[result.test["y"] == 2]
    passing = (
        genuine["weights"][genuine["Djet"] >= result.details.thresholds["70 % efficiency"]].sum() / genuine["weights"].sum()
    )
    assert passing == pytest.approx(0.7, abs=0.02)
    modes = result.details.bins.rows("decay mode", "rate", "top 50 %")
    assert list(modes["bin"]) == [f"decay mode {mode}" for mode in (0, 1, 10, 11)]
    assert modes["data"].sum() == top.data
    assert modes["mc"].sum() == pytest.approx(top.mc)
    assert "data/MC rate, top 50 %, decay mode 10" in as_text(comparison)


def test_agreement_of_the_adversarial_head_is_no_proof(comparison):
    assert "do not prove that adaptation worked" in as_text(comparison)
    for result in comparison.results.values():
        assert list(result.domain_p_values) == ["Djet", "probabilities", "features"]
        assert all(1 / 21 <= value <= 1 for value in result.domain_p_values.values())


def test_price_is_that_of_the_single_functions(comparison):
    result = comparison.results["adversarial"]
    rows = result.price.query("background == 'jet' and variable == 'all' and quantity == 'mis-id at efficiency'")
    assert list(rows["at"]) == [0.7, 0.9]
    for row, mis_id, ratio in zip(rows.itertuples(), result.mis_id, result.mis_id_ratio, strict=True):
        assert (row.value, row.low, row.high) == (mis_id.mis_id.value, mis_id.mis_id.low, mis_id.mis_id.high)
        assert row.ratio == pytest.approx(ratio.value)
    assert set(result.price["background"]) == {"e", "mu", "jet"}
    assert set(comparison.results["k2=0"].price["ratio"].dropna()) == {1.0}


def test_tables_hold_what_the_json_holds(comparison):
    content, found = as_dictionary(comparison), tables(comparison)
    assert set(found) == {"regions", "closure_bins", "price", "scale_factors", "bands", "uncertainties"}
    assert records(found["uncertainties"]) == content["uncertainties"]
    for label, run in content["runs"].items():
        factors = ("scale_factors", content["scale_factors"]["runs"][label])
        for name, of_json in (
            ("regions", run["regions"]),
            ("closure_bins", run["bins"]["table"]),
            ("price", run["price"]),
            factors,
        ):
            rows = found[name][found[name]["run"] == label].drop(columns="run")
            assert records(rows) == of_json
            assert len(rows) > 5


def test_command_takes_any_number_of_runs(runs, sets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "_draw", lambda comparison, folder: None)  # the test below draws
    sets_of = ["--mlpath", str(runs.mlruns), "--control", str(sets.control), "--test", str(sets.test), "--output", "report"]
    words = [runs.nominal.id, "bins=5", f"k2=0={runs.fine_tune.id}", "domain_rows=150", f"after={runs.adversarial.id}"]
    main(["compare", *words, "folds=2", "head_folds=2", "bootstrap=10", *sets_of, "--reference", "k2=0"])
    content = json.loads((tmp_path / "report" / "comparison.json").read_text())
    copied = runs.adversarial.artifacts / "comparison"
    assert {path.name for path in copied.iterdir()} == {path.name for path in (tmp_path / "report").iterdir()}
    metrics = runs.adversarial.metrics
    assert metrics["closure/rate_top50"] == pytest.approx(content["runs"]["after"]["closure"]["rate"]["value"])
    assert metrics["price/mis_id_jet_90"] == pytest.approx(content["runs"]["after"]["jet_mis_id"][1]["value"])
    assert {"closure/chi2_ndf_top50", "closure/p_value", "closure/global_p_shape"} <= metrics.keys()
    assert list(content["runs"]) == ["nominal", "k2=0", "after"]
    assert (content["reference"], content["settings"]["bins"]) == ("k2=0", 5)
    capsys.readouterr()
    for wrong, message in {
        "bin=5": "bin is no setting (did you mean 'bins'?), and '5' no run id",
        f"a={runs.nominal.id},": "one of them is empty",
        runs.nominal.id: f"run {runs.nominal.id} is given twice",
        "0" * 32: "known runs there",
    }.items():
        with pytest.raises(SystemExit):
            main(["compare", runs.nominal.id, wrong, *sets_of])
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["compare", *sets_of])
    assert "at least one run" in capsys.readouterr().err


def test_script_prints_and_saves(runs, sets, run_script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = (
        *("--mlpath", runs.mlruns, "--nominal", runs.nominal.id, "--fine_tune", runs.fine_tune.id),
        *("--adversarial", runs.adversarial.id, "--control", sets.control, "--test", sets.test, "--output", "report"),
    )
    monkeypatch.setattr("TauAdv.evaluation.adaptation.stacks._SCORES", {"e": "$D_e$"})  # one is enough
    for part in ("_bins", "_pairs", "_uncertainties", "_cost_in_bins", "scale_factor_figures"):  # test_page.py draws them
        monkeypatch.setattr(f"TauAdv.plotting.adaptation.page.{part}", lambda comparison: iter(()))
    settings = ("bins=5", "folds=2", "head_folds=2", "domain_rows=150", "bootstrap=10", "label.energy=13 TeV")
    run_script("Evaluation/compare_runs.py", *arguments, *settings)
    printed = capsys.readouterr().out
    folder = tmp_path / "report"
    assert (folder / "comparison.txt").read_text() in printed
    assert json.loads((folder / "comparison.json").read_text())["reference"] == "fine-tune k2=0"
    names = ["closure_adversarial", "closure_fine-tune_k2_0", "closure_nominal", "roc"]
    expected = [f"{name}.{kind}" for name in names for kind in ("pdf", "png")]
    assert sorted(path.name for path in folder.iterdir() if path.suffix in {".pdf", ".png"}) == expected
    assert f"Page with all plots: {Path('report') / 'index.html'}" in printed
    page = (folder / "index.html").read_text()
    assert page.count("<img ") == page.count("data:image/png;base64,") == len([*folder.rglob("*.png")]) > 8
    assert {"nominal_De.pdf", "adversarial_De_top.pdf", "adversarial_yadv.pdf"} <= {
        path.name for path in folder.rglob("*.pdf")
    }
    with pytest.raises(SystemExit):
        run_script("Evaluation/compare_runs.py", *arguments, "bins=4")
    assert "--overwrite" in capsys.readouterr().err


def test_runs_that_cannot_be_written_are_known_before(runs, sets, run_ids, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "compare_runs", lambda *given, **options: pytest.fail("compared"))
    options = {"settings": SETTINGS, "log": True}
    (runs.nominal.artifacts / "comparison").mkdir(exist_ok=True)
    notes = runs.nominal.artifacts / "comparison" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"notes\.txt"):
        report.make_report(tmp_path / "report", runs.mlruns, run_ids, sets.control, sets.test, **options)
    notes.unlink()
    refused = StoreError("mlflow.db: cannot be written")

    def refuse(*given):
        raise refused

    monkeypatch.setattr(MlflowStore, "set_tags", refuse)
    with pytest.raises(StoreError, match="cannot be written"):
        report.make_report(tmp_path / "report", runs.mlruns, run_ids, sets.control, sets.test, **options)
    assert not (tmp_path / "report").exists()


def test_report_of_other_runs_is_not_replaced(runs, sets, run_ids, tmp_path):
    (tmp_path / "comparison.json").write_text("{}")
    with pytest.raises(OutputExistsError, match="no manifest"):
        make_report(tmp_path, runs.mlruns, run_ids, sets.control, sets.test, settings=SETTINGS, overwrite=True)
    assert (tmp_path / "comparison.json").read_text() == "{}"


def test_nothing_of_an_earlier_comparison_stays(runs, sets, run_ids, tmp_path):
    def draw(comparison, folder):
        for label in comparison.results:
            (folder / f"closure_{label}.png").write_text("drawn")

    options = {"settings": SETTINGS, "draw": draw}
    two, fewer = ({label: run_ids[label] for label in labels} for labels in (("nominal", "k2=0"), ("nominal",)))
    make_report(tmp_path / "report", runs.mlruns, two, sets.control, sets.test, **options)
    assert (tmp_path / "report" / "closure_k2=0.png").exists()
    make_report(tmp_path / "report", runs.mlruns, fewer, sets.control, sets.test, overwrite=True, **options)
    names = {path.name for path in (tmp_path / "report").iterdir()}
    tables = {"bands.csv", "closure_bins.csv", "price.csv", "regions.csv", "scale_factors.csv", "uncertainties.csv"}
    assert names == {"comparison.json", "comparison.txt", "manifest.json", "closure_nominal.png", *tables}
    (tmp_path / "report" / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"notes\.txt"):
        make_report(tmp_path / "report", runs.mlruns, run_ids, sets.control, sets.test, overwrite=True, **options)
    assert (tmp_path / "report" / "notes.txt").read_text() == "mine"


def test_a_run_is_not_compared_with_itself(runs, sets, run_ids):
    twice = {"nominal": run_ids["nominal"], "adversarial": run_ids["nominal"]}
    with pytest.raises(InputError, match=f"run {run_ids['nominal']} is given as nominal and as adversarial"):
        compare_runs(runs.mlruns, twice, sets.control, sets.test)


def test_wrong_sets_and_labels(runs, sets, run_ids):
    with pytest.raises(InputError, match="adversarial"):
        compare_runs(runs.mlruns, run_ids, sets.test, sets.test)
    with pytest.raises(InputError, match="classification"):
        compare_runs(runs.mlruns, run_ids, sets.control, sets.control)
    with pytest.raises(InputError, match="'nobody': expected one of"):
        compare_runs(runs.mlruns, run_ids, sets.control, sets.test, reference="nobody")


def test_quantiles_of_genuine_taus_are_flat(comparison):
    histogram = comparison.histograms["nominal"]
    genuine = histogram["DYT", :].values() + histogram["TTT", :].values()
    assert genuine / genuine.sum() == pytest.approx(np.full(10, 0.1), abs=0.02)
