"""Studies of small taggers on the committed jets, checked against the attacks and sklearn called by hand."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from jet_runs import train_run
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import roc_auc_score

from TauAdv.attacks.constraints.jets import jet_constraints
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import label_loss
from TauAdv.domain.discriminators import choose_discriminators
from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.evaluation.predictions.tables import load_run_model
from TauAdv.evaluation.robustness.epochs import epoch_models
from TauAdv.evaluation.robustness.predictions import prediction_file, read_disturbed
from TauAdv.evaluation.robustness.report import make_robustness_report
from TauAdv.evaluation.robustness.settings import load_robustness_settings
from TauAdv.evaluation.robustness.study import evaluate_robustness
from TauAdv.io.manifests.manifest import manifest_path
from TauAdv.io.records import read_record, write_record
from TauAdv.models.jet_flavour.losses import crossentropy
from TauAdv.runs import start_run
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow

SMALL = ["bootstrap=8", "batch_size=700", "eps=[0,0.05]", "discriminators=[BvsL,CvsB,c_vs_rest]"]


@pytest.fixture(scope="module")
def settings():
    return load_robustness_settings(None, [*SMALL, "disturbances.PGD.steps=3"])


@pytest.fixture(scope="module")
def study(jets, settings):
    runs = {"one": jets.one.id, "two": jets.two.id}
    return evaluate_robustness(jets.mlruns, runs, jets.test, settings, overwrite=True)


@pytest.fixture(scope="module")
def by_hand(jets):
    """FGSM of the whole test set in one batch, with the library's attack; probabilities of either model."""
    shards = ShardSet.open(jets.test)
    rows, columns = shards.take(slice(None))
    models = {name: load_run_model(getattr(jets, name), shards) for name in ("one", "two")}
    batch = {name: tf.constant(value) for name, value in {**rows.as_inputs(), "y": columns["y"]}.items()}
    constraints = jet_constraints(shards.table)
    found = {}
    for made, model in models.items():
        attacked = fgsm(label_loss(model, crossentropy), batch, constraints, 0.05)
        for reader, other in models.items():
            found[made, reader] = other({"x": attacked["x"]}, training=False).numpy()
    raw = {name: model({"x": batch["x"]}, training=False).numpy() for name, model in models.items()}
    return found, raw, columns


def value(table, **key):
    for name, wanted in key.items():
        table = table[table[name] == wanted]
    assert len(table) == 1
    return table.iloc[0]


def auc(one, probabilities, label):
    used = np.isin(label, [one.labels[0], *one.labels[1]])
    return roc_auc_score(label[used] == one.labels[0], one.score(probabilities)[used])


def test_performance_and_transfer_are_those_of_sklearn(study, by_hand):
    attacked, raw, columns = by_hand
    for one in choose_discriminators(("b", "c", "udsg"), ["BvsL", "CvsB", "c_vs_rest"]):
        for run in ("one", "two"):
            row = value(study.performance, run=run, disturbance="raw", discriminator=one.name)
            assert row["auc"] == pytest.approx(auc(one, raw[run], columns["label"]), abs=1e-6)
            row = value(study.performance, run=run, disturbance="FGSM", discriminator=one.name)
            assert row["auc"] == pytest.approx(auc(one, attacked[run, run], columns["label"]), abs=1e-4)
            for made in ("one", "two"):
                row = value(study.transfer, disturbance="FGSM", made_with=made, read_by=run, discriminator=one.name)
                assert row["auc"] == pytest.approx(auc(one, attacked[made, run], columns["label"]), abs=1e-4)


def test_attacks_do_harm_and_noise_does_not(study):
    for run in ("one", "two"):
        rows = study.performance[(study.performance["run"] == run) & (study.performance["discriminator"] == "BvsL")]
        found = rows.set_index("disturbance")["auc"]
        assert found["FGSM"] < found["raw"] - 0.02
        assert found["PGD"] < found["raw"] - 0.02
        assert abs(found["noise"] - found["raw"]) < 0.01


def test_recovered_fraction_is_that_of_the_table(study):
    row = value(study.recovered, run="two", disturbance="FGSM", discriminator="BvsL")
    pick = lambda run, name: value(study.performance, run=run, disturbance=name, discriminator="BvsL")["auc"]  # noqa: E731
    lost = pick("one", "raw") - pick("one", "FGSM")
    assert row["lost_by_first"] == pytest.approx(lost)
    assert row["recovered"] == pytest.approx((pick("two", "FGSM") - pick("one", "FGSM")) / lost)
    assert row["clean_change"] == pytest.approx(pick("two", "raw") - pick("one", "raw"))


def test_confusion_is_that_of_sklearn(study, by_hand):
    _, raw, columns = by_hand
    expected = sklearn_confusion(columns["label"], raw["two"].argmax(axis=1), normalize="true")
    assert study.confusion["two", "raw"] == pytest.approx(expected, abs=2e-3)


def test_scan_begins_raw_and_meets_the_disturbance(study):
    for run in ("one", "two"):
        start = value(study.scan, run=run, disturbance="FGSM", eps=0.0, discriminator="BvsL")
        end = value(study.scan, run=run, disturbance="FGSM", eps=0.05, discriminator="BvsL")
        for row, name in ((start, "raw"), (end, "FGSM")):
            same = value(study.performance, run=run, disturbance=name, discriminator="BvsL")
            assert row["auc"] == pytest.approx(same["auc"], abs=1e-6)


def test_last_epoch_is_the_model(study):
    for name in ("raw", "FGSM"):
        last = value(study.epochs, run="one", epoch=2, disturbance=name, discriminator="BvsL")
        same = value(study.performance, run="one", disturbance=name, discriminator="BvsL")
        assert last["auc"] == pytest.approx(same["auc"], abs=1e-6)
    assert value(study.epochs, run="one", epoch=1, disturbance="raw", discriminator="BvsL")["auc"] != last["auc"]


def test_regions_hold_every_jet_of_the_range(study, by_hand):
    _, raw, columns = by_hand
    rows = study.regions[(study.regions["run"] == "one") & (study.regions["disturbance"] == "raw")]
    rows = rows[(rows["variable"] == "abs_eta") & (rows["discriminator"] == "BvsL")]
    assert rows["rows"].sum() == (abs(columns["jet_eta"]) < 2.5).sum()
    one = choose_discriminators(("b", "c", "udsg"), ["BvsL"])[0]
    inside = (abs(columns["jet_eta"]) >= 0.5) & (abs(columns["jet_eta"]) < 1.0)
    expected = auc(one, raw["one"][inside], columns["label"][inside])
    assert value(rows, low=0.5)["auc"] == pytest.approx(expected, abs=1e-6)


def test_score_shapes_hold_every_jet(study, by_hand):
    counts = np.bincount(by_hand[2]["label"], minlength=3)
    filled = study.scores["BvsL", "one"]
    for number, flavour in enumerate(("b", "c", "udsg")):
        assert filled["raw", flavour, :].values().sum() == filled["FGSM", flavour, :].values().sum() == counts[number]


def test_tables_in_the_runs_have_identity_and_probabilities(study, by_hand, jets):
    attacked, raw, columns = by_hand
    table = read_disturbed(jets.two, jets.test, study.settings)
    for name in ("line", "flavor", "jet_pt", "jet_eta", "label", "weight"):
        assert table[name].tolist() == columns[name].tolist()
    for name, expected in (("raw", raw["two"]), ("FGSM", attacked["two", "two"])):
        found = table[[f"{name}_p_{flavour}" for flavour in ("b", "c", "udsg")]].to_numpy()
        assert np.quantile(abs(found - expected), 0.99) < 1e-5  # a gradient of 0 may round to either sign


def test_defaults_and_integers_have_not_moved(study):
    assert not {"n_secondary_vertices", "flavor"} & set(study.inputs.names)
    one = study.divergences[study.divergences["flavour"] == "all"]
    assert (one["kl"] >= 0).all()
    assert value(one, run="one", disturbance="FGSM", input="jet_prob")["kl"] > 0


def test_report_is_written_kept_and_protected(jets, tmp_path, settings):
    runs = {"one": jets.one.id}
    options = {"settings": settings, "parts": ["roc", "history"]}
    make_robustness_report(tmp_path / "report", jets.mlruns, runs, jets.test, **options)
    stored = json.loads((tmp_path / "report" / "robustness.json").read_text())
    table = pd.read_csv(tmp_path / "report" / "performance.csv")
    assert stored["runs"] == runs
    assert [row["auc"] for row in stored["performance"]] == pytest.approx(table["auc"].tolist())
    assert "AUC" in (tmp_path / "report" / "robustness.txt").read_text()
    other = load_robustness_settings(None, [*SMALL, "seed=2"])
    with pytest.raises(OutputExistsError, match="seed"):
        make_robustness_report(tmp_path / "report", jets.mlruns, runs, jets.test, settings=other, parts=["roc"])


def test_tables_of_several_sets_and_settings_live_side_by_side(jets, tmp_path):
    run = train_run(jets.mlruns, jets.train, "three", seed=3)
    none = ["disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"]
    settings, fewer = (load_robustness_settings(None, [*SMALL, *none, *more]) for more in ([], ["rows=900"]))
    for number, (test, chosen) in enumerate([(jets.test, settings), (jets.train, settings), (jets.test, fewer)]):
        options = {"settings": chosen, "parts": ["roc"]}
        study = make_robustness_report(tmp_path / f"report{number}", jets.mlruns, {"it": run.id}, test, **options)
        text = (tmp_path / f"report{number}" / "robustness.txt").read_text()
        assert (run.artifacts / study.prediction_file).is_file()
        assert study.prediction_file in text
    for test in (jets.test, jets.train):
        expected = ShardSet.open(test).columns(["line"])["line"].tolist()
        assert read_disturbed(run, test, settings)["line"].tolist() == expected
    assert len(read_disturbed(run, jets.test, fewer)) == 900
    assert len(read_disturbed(run, jets.train)) == len(ShardSet.open(jets.train))
    with pytest.raises(InputError, match=r"found 3; it has robustness_test_.*robustness_train_.*tell which"):
        read_disturbed(run)
    with pytest.raises(InputError, match="found 2"):
        read_disturbed(run, jets.test)
    make_robustness_report(tmp_path / "report0", jets.mlruns, {"it": run.id}, jets.test, settings=settings, parts=["roc"])


def test_table_of_an_earlier_model_is_not_replaced_unasked(jets, tmp_path):
    run = train_run(jets.mlruns, jets.train, "four", seed=4)
    settings = load_robustness_settings(None, [*SMALL, "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"])
    options = {"settings": settings, "parts": ["roc"]}
    evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options)
    shutil.copy(run.artifacts / "model_checkpoints" / "epoch_0001.keras", run.artifacts / "model" / "model.keras")
    with pytest.raises(OutputExistsError, match="made with another model"):
        evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options)
    evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options, overwrite=True)


def test_a_set_is_the_same_under_other_names(jets, tmp_path, monkeypatch, capsys):
    run = train_run(jets.mlruns, jets.train, "five", seed=5)
    settings = load_robustness_settings(None, [*SMALL, "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"])
    options = {"settings": settings, "parts": ["confusion"]}
    link = tmp_path / "link"
    link.symlink_to(jets.test)
    monkeypatch.chdir(jets.test)
    names = set()
    for number, test in enumerate((jets.test, link, ".")):
        runs = {"it": run.id, "again": run.id}
        study = make_robustness_report(tmp_path / "report", jets.mlruns, runs, test, **options)
        names.add(study.prediction_file)
        told = [line for line in capsys.readouterr().out.splitlines() if ".parquet: made before" in line]
        assert len(told) == min(number, 1)  # once for a run with two labels
        assert all(line.endswith("made again") for line in told)
    assert len(names) == 1


def test_a_table_made_otherwise_is_not_said_to_be_of_another_model(jets):
    run = train_run(jets.mlruns, jets.train, "six", seed=6)
    settings = load_robustness_settings(None, [*SMALL, "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"])
    options = {"settings": settings, "parts": ["confusion"]}
    study = evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options)
    manifest = manifest_path(run.artifacts / study.prediction_file)
    content = read_record(manifest)
    write_record(manifest, {**content, "settings": {**content["settings"], "run": "of another run"}})
    with pytest.raises(OutputExistsError, match=r"was made with other settings \(run: .of another run. before"):
        evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options)
    manifest.unlink()
    with pytest.raises(OutputExistsError, match="no manifest says that TauAdv made it"):
        evaluate_robustness(jets.mlruns, {"it": run.id}, jets.test, **options)


def test_weights_of_the_set_count_if_asked_for(jets, by_hand):
    _, raw, columns = by_hand
    weighted = load_robustness_settings(
        None, [*SMALL, "weighted=true", "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"]
    )
    found = evaluate_robustness(jets.mlruns, {"one": jets.one.id}, jets.test, weighted, parts=["roc"], overwrite=True)
    one = choose_discriminators(("b", "c", "udsg"), ["BvsL"])[0]
    used = columns["label"] != 1
    expected = roc_auc_score(columns["label"][used] == 0, one.score(raw["one"])[used], sample_weight=columns["weight"][used])
    assert value(found.performance, discriminator="BvsL")["auc"] == pytest.approx(expected, abs=1e-6)
    assert (jets.one.artifacts / prediction_file(ShardSet.open(jets.test), weighted)).is_file()


def test_shards_of_another_feature_table(jets, settings, tmp_path):
    from jet_runs import prepared

    other = prepared(tmp_path, jets=500, seed=5)
    with pytest.raises(InputError, match="differing"):
        evaluate_robustness(jets.mlruns, {"one": jets.one.id}, other / "test", settings, overwrite=True)


def test_taus_are_not_jets(jets, settings, runs, sets):
    options = {"settings": settings.model_copy(update={"discriminators": None}), "parts": ["roc"], "overwrite": True}
    with pytest.raises(InputError, match=r"holds taus; the model of run .* reads jets"):
        evaluate_robustness(jets.mlruns, {"one": jets.one.id}, sets.test, **options)
    with pytest.raises(InputError, match=r"holds jets; the model of run .* reads taus"):
        evaluate_robustness(runs.mlruns, {"tau": runs.nominal.id}, jets.test, **options)
    with pytest.raises(InputError, match="kind 'classification'"):
        evaluate_robustness(runs.mlruns, {"tau": runs.nominal.id}, sets.control, **options)


def test_an_absent_class_and_unknown_parts(jets, settings):
    few = settings.model_copy(update={"rows": 1})
    with pytest.raises(InputError, match="no rows of"):
        evaluate_robustness(jets.mlruns, {"one": jets.one.id}, jets.test, few)
    with pytest.raises(InputError, match=r"part 'rok'.*did you mean 'roc'"):
        evaluate_robustness(jets.mlruns, {"one": jets.one.id}, jets.test, settings, parts=["rok"])


def test_a_run_without_model_or_epochs(jets, settings):
    with start_run(jets.mlruns, "jets", "empty") as run:
        run.log_text(ShardSet.open(jets.test).feature_table, "input_cfg/features.yaml")
    with pytest.raises(InputError, match=r"no model/model\.keras"):
        evaluate_robustness(jets.mlruns, {"empty": run.id}, jets.test, settings, parts=["roc"])
    with pytest.raises(InputError, match="no epoch_NNNN"):
        epoch_models(run)
    with pytest.raises(InputError, match=r"it has none; tauadv robustness makes them"):
        read_disturbed(run)


@pytest.mark.parametrize(
    ("override", "match"),
    [
        ("disturbances.FGSM.eps=-0.1", "received -0.1"),
        ("eps=[0,-0.1]", "received -0.1"),
        ("eps=[.nan]", r"1 setting not accepted:\n  command line: eps\.0: expected a finite number; received nan$"),
        ("eps=[.inf]", r"eps\.0: expected a finite number"),
        (
            "disturbances.FGSM.eps={track_*: -0.1}",
            r"1 setting not .*\n  command line: disturbances\.FGSM\.eps\.track_\*: expected at least",
        ),
        ("scanned=[PGB]", "no disturbance 'PGB'"),
        ("pt_edges=[30,20]", "increasing edges"),
        ("disturbances.raw={kind: none}", "name of the inputs as they are"),
        ("mistags=[1.5]", "mistags"),
    ],
)
def test_bad_settings(override, match):
    with pytest.raises(ConfigError, match=match):
        load_robustness_settings(None, [override])


def test_attacks_of_taus(runs, sets):
    """The same study of tau taggers: FGSM on the sparse tensors lowers the AUC of even an untrained network's scores."""
    nothing_else = ["scanned=[]", "by_epoch=[]", "shapes=[]"]
    attacks = "disturbances={FGSM: {kind: fgsm, eps: 0.2}}"
    settings = load_robustness_settings(None, ["bootstrap=5", attacks, "rows=150", *nothing_else])
    runs_of_taus = {"nominal": runs.nominal.id, "adversarial": runs.adversarial.id}
    found = evaluate_robustness(runs.mlruns, runs_of_taus, sets.test, settings, parts=["roc", "transfer"])
    for name in ("tau_vs_jet", "tau_vs_rest"):
        row = {d: value(found.performance, run="nominal", disturbance=d, discriminator=name)["auc"] for d in ("raw", "FGSM")}
        assert row["FGSM"] < row["raw"]
    assert read_disturbed(runs.nominal)["lumi"].tolist() == list(range(150))
