"""The scripts that evaluate jet taggers, on runs of small ones."""

import json

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    from jet_runs import prepared, train_run

    folder = tmp_path_factory.mktemp("jets")
    sets = prepared(folder, jets=1500)
    return folder, sets, [train_run(folder / "mlruns", sets / "train", name, epochs=1) for name in ("one", "two")]


def test_evaluate_robustness(jets, run_script):
    folder, sets, (one, two) = jets
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test", "--output", folder / "report"]
    small = [
        "bootstrap=4",
        "discriminators=[BvsL]",
        "scanned=[FGSM]",
        "eps=[0,0.1]",
        "input_variables=[jet_pt]",
        "shapes=[FGSM]",
    ]
    run_script("Evaluation/evaluate_robustness.py", *common, "--adversarial", two.id, "--run", f"again={one.id}", *small)
    table = pd.read_csv(folder / "report" / "performance.csv")
    assert list(dict.fromkeys(table["run"])) == ["nominal", "adversarial", "again"]
    wide = table.pivot(index="disturbance", columns="run", values="auc")
    assert wide["nominal"].tolist() == wide["again"].tolist()
    page = (folder / "report" / "index.html").read_text()
    for name in ("roc_BvsL", "scan_BvsL", "transfer_PGD", "regions_pt", "epochs", "inputs_nominal_FGSM_1", "history"):
        assert f'href="plots/{name}.pdf"' in page
        assert (folder / "report" / "plots" / f"{name}.png").stat().st_size > 0


SMALL = ["bootstrap=4", "discriminators=[BvsL]", "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]"]


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_report_is_replaced_whole_or_left_whole(jets, run_script, capsys, monkeypatch):
    folder, sets, (one, two) = jets
    report = folder / "replaced"
    common = ["--mlpath", one.mlpath, "--test", sets / "test", "--output", report, *SMALL]
    run_script("Evaluation/evaluate_robustness.py", *common, "--nominal", one.id, "--parts", "roc", "confusion")
    first = files_of(report)
    assert {"performance.csv", "robustness.json", "index.html", "plots/roc_BvsL.png"} <= set(first)
    other = [*common, "--nominal", two.id, "--parts", "confusion"]
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *other)
    assert "runs.nominal" in capsys.readouterr().err
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr("TauAdv.plotting.robustness.study.write_page", raising(KeyboardInterrupt()))
        run_script("Evaluation/evaluate_robustness.py", *other, "--overwrite")
    assert caught.value.code == 130
    assert files_of(report) == first
    run_script("Evaluation/evaluate_robustness.py", *other, "--overwrite")
    assert set(files_of(report)) == TABLES | {"index.html"} | PLOTS
    assert not [path for path in folder.iterdir() if path.name.startswith(".replaced")]


TABLES = {"manifest.json", "robustness.json", "robustness.txt"}
PLOTS = {f"plots/confusion_nominal.{suffix}" for suffix in ("png", "pdf")}


def raising(error):
    def fail(*arguments, **options):
        raise error

    return fail


@pytest.mark.parametrize(("error", "raised"), [(KeyError("label"), RuntimeError), (OSError("no space left"), SystemExit)])
def test_a_plot_that_fails_does_not_cost_the_tables(jets, run_script, capsys, monkeypatch, error, raised):
    folder, sets, (one, two) = jets
    report = folder / f"undrawn_{raised.__name__}"
    common = ["--mlpath", one.mlpath, "--test", sets / "test", "--output", report, "--parts", "confusion", *SMALL]
    run_script("Evaluation/evaluate_robustness.py", *common, "--nominal", one.id)
    with monkeypatch.context() as patch, pytest.raises(raised) as caught:
        patch.setattr("TauAdv.plotting.robustness.study.plot_matrices", raising(error))
        run_script("Evaluation/evaluate_robustness.py", *common, "--nominal", two.id, "--overwrite")
    told = str(caught.value) if raised is RuntimeError else capsys.readouterr().err
    assert f"{report}: tables are complete, but not all plots could be made ({type(error).__name__}: {error})" in told
    assert set(files_of(report)) == TABLES
    assert json.loads((report / "robustness.json").read_text())["runs"] == {"nominal": two.id}
    run_script("Evaluation/evaluate_robustness.py", *common, "--nominal", two.id)  # the same report, made again
    assert set(files_of(report)) == TABLES | {"index.html"} | PLOTS


@pytest.mark.parametrize("before", [True, False])
def test_files_that_come_while_it_is_measured_stay(jets, run_script, capsys, monkeypatch, before):
    from TauAdv.evaluation.robustness import report as robustness_report

    folder, sets, (one, _) = jets
    report = folder / f"meanwhile_{before}"
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test", "--output", report]
    common += ["--parts", "confusion", *SMALL]
    if before:
        run_script("Evaluation/evaluate_robustness.py", *common)
    evaluate = robustness_report.evaluate_robustness

    def meanwhile(*arguments, **options):
        report.mkdir(exist_ok=True)
        (report / "notes.txt").write_text("seen")
        return evaluate(*arguments, **options)

    monkeypatch.setattr(robustness_report, "evaluate_robustness", meanwhile)
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *common)
    assert "holds files that are not of the report (notes.txt)" in capsys.readouterr().err
    assert (report / "notes.txt").read_text() == "seen"


@pytest.mark.parametrize(("place", "match"), [("notes.txt", "is a file, expected a folder"), ("notes.txt/report", "notes")])
def test_a_place_that_cannot_be_used_is_refused_before_measuring(
    jets, run_script, tmp_path, capsys, monkeypatch, place, match
):
    _, sets, (one, _) = jets
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr("TauAdv.evaluation.robustness.report.evaluate_robustness", raising(AssertionError("measured")))
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test", "--parts", "confusion", *SMALL]
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *common, "--output", tmp_path / place, "--overwrite")
    assert match in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_files_of_others_are_never_replaced(jets, run_script, capsys):
    folder, sets, (one, _) = jets
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test", "--parts", "confusion", *SMALL]
    thesis = folder / "mine" / "thesis.txt"
    thesis.parent.mkdir()
    run_script("Evaluation/evaluate_robustness.py", *common, "--output", thesis.parent)  # into a folder that is empty
    thesis.write_text("years of work")
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *common, "--output", thesis.parent, "--overwrite")
    assert "holds files that are not of the report (thesis.txt)" in capsys.readouterr().err
    (thesis.parent / "manifest.json").unlink()
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *common, "--output", thesis.parent, "--overwrite")
    assert "did not make" in capsys.readouterr().err
    assert thesis.read_text() == "years of work"


def test_one_part_only(jets, run_script, capsys):
    folder, sets, (one, _) = jets
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test"]
    parts = ["--output", folder / "confusion", "--overwrite", "--parts", "confusion"]
    run_script("Evaluation/evaluate_robustness.py", *common, *parts, "seed=3", "bootstrap=5")
    assert [path.name for path in (folder / "confusion" / "plots").glob("*.png")] == ["confusion_nominal.png"]
    stored = json.loads((folder / "confusion" / "robustness.json").read_text())
    assert (stored["settings"]["seed"], stored["settings"]["bootstrap"]) == (3, 5)
    for words, message in ((["bootstrap=5"], "--parts: expected some of roc"), (["rok"], "did you mean 'roc'")):
        with pytest.raises(SystemExit):
            run_script("Evaluation/evaluate_robustness.py", *common, "--output", folder / "no", "--parts", *words)
        assert message in capsys.readouterr().err


def test_the_feature_table_is_checked_before_the_report_that_is_there(jets, run_script, tmp_path, capsys):
    from jet_runs import prepared

    _, sets, (one, _) = jets
    other = prepared(tmp_path, jets=500, seed=5)
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--parts", "confusion", *SMALL, "--output", tmp_path / "report"]
    run_script("Evaluation/evaluate_robustness.py", *common, "--test", sets / "test")
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *common, "--test", other / "test")
    assert "expected shards of the feature table" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["two", "nominal=x"])
def test_labels_of_runs(jets, run_script, capsys, label):
    folder, sets, (one, _) = jets
    arguments = ["--mlpath", one.mlpath, "--nominal", one.id, "--run", label, "--test", sets / "test", "--output", folder]
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *arguments)
    assert "LABEL=RUN_ID" in capsys.readouterr().err


def test_one_run_in_two_roles(jets, run_script, capsys):
    folder, sets, (one, _) = jets
    arguments = ["--mlpath", one.mlpath, "--nominal", one.id, "--adversarial", one.id, "--test", sets / "test"]
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *arguments, "--output", folder / "twice")
    assert "is given as nominal and as adversarial" in capsys.readouterr().err


def test_plot_loss(jets, run_script, capsys):
    _, sets, (one, two) = jets
    run_script("Evaluation/plot_loss.py", "--mlpath", one.mlpath, "--expID", one.id, two.id)
    assert (one.artifacts / "plots" / "loss_history.pdf").is_file()
    surface = ["--surface", "jet_pt", "jet_eta", "--points", 5]
    run_script("Evaluation/plot_loss.py", "--mlpath", one.mlpath, "--expID", two.id, *surface, "--test", sets / "test")
    assert (two.artifacts / "plots" / "loss_surface_jet_pt_jet_eta_0.png").is_file()
    with pytest.raises(SystemExit):
        run_script("Evaluation/plot_loss.py", "--mlpath", one.mlpath, "--expID", two.id, *surface)
    assert "--test" in capsys.readouterr().err
