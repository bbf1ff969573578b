"""The scripts that evaluate jet taggers, on runs of small ones."""

import pandas as pd
import pytest


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
        assert f"plots/{name}.png" in page
        assert (folder / "report" / "plots" / f"{name}.png").stat().st_size > 0


def test_one_part_only(jets, run_script):
    folder, sets, (one, _) = jets
    common = ["--mlpath", one.mlpath, "--nominal", one.id, "--test", sets / "test"]
    parts = ["--parts", "confusion", "--output", folder / "confusion", "--overwrite"]
    run_script("Evaluation/evaluate_robustness.py", *common, *parts, "seed=3")
    assert [path.name for path in (folder / "confusion" / "plots").glob("*.png")] == ["confusion_nominal.png"]


@pytest.mark.parametrize("label", ["two", "nominal=x"])
def test_labels_of_runs(jets, run_script, capsys, label):
    folder, sets, (one, _) = jets
    arguments = ["--mlpath", one.mlpath, "--nominal", one.id, "--run", label, "--test", sets / "test", "--output", folder]
    with pytest.raises(SystemExit):
        run_script("Evaluation/evaluate_robustness.py", *arguments)
    assert "LABEL=RUN_ID" in capsys.readouterr().err


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
