"""The shipped training configs, scaled down, by the scripts; and a CMS network in, fine-tuned, applied and out again."""

import json

import numpy as np
import pandas as pd
import pytest
from cms_graphs import V2P5_INPUTS, random_model, small_network, weights_of
from cms_graphs import write_network as write_graphs
from prepared_jets import prepared_jets
from synthetic_shards import write_network, write_shards

from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.loading import load_model, load_tagger
from TauAdv.runs import list_runs
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow

FEW_STEPS = ("schedule.n_epochs=1", "schedule.n_batches=2", "data.n_tau=24", "output.gradient_steps=0")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_shards(folder / "class", "classification", 120, 1)
    write_shards(folder / "adv", "adversarial", 80, 2)
    write_network(folder / "network.yaml")
    return folder


@pytest.mark.parametrize(
    ("script", "config", "more"),
    [
        ("Training/train_classifier.py", "classifier_deeptau_v2p5", []),
        ("Training/train_classifier.py", "deeptau_fgsm", []),
        ("Training/train_adversarial.py", "adversarial_deeptau_v2p5", ["data.n_adv_tau=16", "data.adv_shards={sets}/adv"]),
    ],
)
def test_shipped_configs_train(script, config, more, sets, run_script, repository, tmp_path):
    train_shipped(script, config, more, sets, run_script, repository, tmp_path)


def train_shipped(script, config, more, sets, run_script, repository, folder):
    changes = [f"data.shards={sets}/class", f"model.network={sets}/network.yaml", f"output.mlruns={folder}/mlruns"]
    changes += [text.format(sets=sets) for text in more]
    run_script(script, "--config", repository / f"TauAdv/configs/{config}.yaml", *FEW_STEPS, *changes)
    (found,) = list_runs(folder / "mlruns")
    assert found.status == "FINISHED"
    assert load_model(found.artifacts / "model/model.keras").name == "test"
    return found


def test_a_run_of_mmd_is_applied_without_adversarial_head(sets, run_script, repository, tmp_path, capsys):
    more = ["data.n_adv_tau=16", "data.adv_shards={sets}/adv"]
    run = train_shipped("Training/train_adversarial.py", "deeptau_mmd", more, sets, run_script, repository, tmp_path)
    which = ("--expID", run.id, "--mlpath", run.mlpath, "--eval_ds", sets / "adv")
    apply = ("Evaluation/apply_adversarial_training.py", *which)
    with pytest.raises(SystemExit) as stopped:
        run_script(*apply)
    assert stopped.value.code == 2
    assert "no adversarial head, its training had no adversary; give --not_adversarial" in capsys.readouterr().err
    run_script(*apply, "--not_adversarial")
    table = pd.read_csv(run.artifacts / "predictions/adversarial_evaluation.csv", index_col=0)
    assert len(table) == 80
    assert "y_pred_adv" not in table
    np.testing.assert_allclose(table[["p_e", "p_mu", "p_tau", "p_jet"]].sum(axis=1), 1, rtol=1e-5)


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    return prepared_jets(tmp_path_factory.mktemp("jets"))


@pytest.mark.parametrize(
    ("config", "more", "metrics"),
    [
        ("jet_nominal", [], {"val_auc_b_vs_light", "val_attacked_auc_b_vs_c"}),
        (
            "jet_adversarial",
            ["attack.unit=resolution", "attack.eps={track_*_D0: 0.5, track_*_Z0: 0.5}"],
            {"val_unweighted_loss"},
        ),
        ("jet_adversarial", ["attack.kind=pgd", "attack.steps=2", "attack.trades_beta=3"], {"divergence"}),
        ("jet_domain", ["data.adv_batch_size=32"], {"adv_loss", "val_adv_accuracy"}),
        (
            "jet_mmd",
            ["data.adv_batch_size=32", "attack.eps=0.01", "schedule.n_batches=2", "output.gradient_steps=0"],
            {"mmd", "val_mmd"},
        ),
    ],
)
def test_shipped_configs_train_jets(config, more, metrics, jets, run_script, repository, tmp_path):
    folders = {"jets/train": "data.shards", "jets/val": "data.validation_shards"}
    if config in ("jet_domain", "jet_mmd"):
        folders |= {"domains/train": "data.adv_shards", "domains/val": "data.adv_validation_shards"}
    changes = [f"{key}={jets / folder}" for folder, key in folders.items()]
    changes += [
        f"model.network={jets}/small.yaml",
        f"output.mlruns={tmp_path}/mlruns",
        "data.batch_size=64",
        "schedule.n_epochs=1",
        *more,
    ]
    run_script("Training/train_jet_tagger.py", "--config", repository / f"TauAdv/configs/{config}.yaml", *changes)
    (found,) = list_runs(tmp_path / "mlruns")
    assert found.status == "FINISHED"
    assert metrics <= set(found.metrics)
    assert load_tagger(found.artifacts / "model/model.keras").is_adversarial == (config == "jet_domain")


def test_a_cms_network_is_imported_fine_tuned_applied_and_exported(sets, run_script, repository, tmp_path):
    layers = {"merge": {"widths": [8]}, "class_head": {"widths": [9]}, "adversarial_head": {"widths": [10]}}
    original = random_model(small_network(**V2P5_INPUTS, **layers))
    graphs, mlruns = write_graphs(original, tmp_path / "graphs", version="deepTau_test"), tmp_path / "mlruns"
    files = [word for part, path in graphs.items() for word in (f"--{part}", path)]
    output = tmp_path / "imported.keras"
    table = ("--features", "deeptau_v2p5")
    run_script("Training/import_cms_model.py", *files, "--output", output, *table, "--mlpath", mlruns, "--n_taus", 10)
    imported = read_manifest(output)["run"]

    run_script(
        "Training/train_adversarial.py", "--config", repository / "demo/finetune_official.yaml", *FEW_STEPS,
        "data.n_adv_tau=16", f"data.shards={sets}/class", f"data.adv_shards={sets}/adv", f"output.mlruns={mlruns}",
        f"model.pretrained.run_id={imported['id']}",
    )  # fmt: skip
    (tuned,) = [run for run in list_runs(mlruns) if run.id != imported["id"]]
    which = ("--expID", tuned.id, "--mlpath", tuned.mlpath)
    run_script("Evaluation/apply_adversarial_training.py", *which, "--eval_ds", sets / "adv")
    predictions = pd.read_csv(tuned.artifacts / "predictions/adversarial_evaluation.csv", index_col=0)
    assert len(predictions) == ShardSet.open(sets / "adv").num_taus
    assert predictions["y_pred_adv"].between(0, 1).all()

    run_script(
        "Evaluation/export_model.py", "--format", "cms", *which, "--name", "deepTau_tuned", "--n_taus", 10,
        "--output", tmp_path / "out",
    )  # fmt: skip
    assert json.loads((tmp_path / "out/features.json").read_text())["table"] == "deeptau_v2p5"
    parts = {part: tmp_path / "out" / f"deepTau_tuned_{part}.pb" for part in graphs}
    back = weights_of(import_cms_model(**parts, n_taus=10).model)
    trained = weights_of(load_model(tuned.artifacts / "model/model.keras"))
    for layer, values in back.items():
        for name, value in values.items():
            np.testing.assert_array_equal(value, trained[layer][name], err_msg=f"{layer} {name}")
    kernels = [weights["final_dense_last"]["kernel"] for weights in (weights_of(original), back)]
    assert 0 < np.abs(kernels[1] - kernels[0]).max() < 0.1  # it started from the imported weights, and moved
