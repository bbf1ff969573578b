"""The shipped config of the transformer, scaled down: trained, adapted under attack, and applied."""

import numpy as np
import pandas as pd
import pytest
from synthetic_shards import write_shards

from TauAdv.runs import list_runs

pytestmark = pytest.mark.slow

SMALL = """
name: tiny
tau: {n_features: 43, widths: [6]}
components: {egamma: {n_features: 86}, muon: {n_features: 64}, hadrons: {n_features: 38}}
grids: {inner: {n_cells: 11}, outer: {n_cells: 21}}
embedding: 4
width: 4
heads: 2
layers: 1
groups: 1
feed_forward: 4
class_head: {widths: [4]}
adversarial_head: {widths: [4]}
"""
FEW_STEPS = ("n_epochs=1", "n_batches=2", "n_tau=24", "gradient_steps=0", "validation_fraction=0", "early_stopping=null")


@pytest.fixture
def sets(tmp_path):
    write_shards(tmp_path / "class", "classification", 120, 1)
    write_shards(tmp_path / "adv", "adversarial", 80, 2)
    (tmp_path / "network.yaml").write_text(SMALL)
    return tmp_path


def test_the_commands_of_other_taggers_serve_the_transformer(sets, run_script, repository, tmp_path):
    config, mlruns = repository / "TauAdv/configs/classifier_tau_transformer.yaml", tmp_path / "mlruns"
    common = (*FEW_STEPS, f"shards={sets}/class", f"mlruns={mlruns}")
    run_script("Training/train_classifier.py", "--config", config, *common, f"network={sets}/network.yaml")
    (nominal,) = list_runs(mlruns)
    run_script(
        "Training/train_adversarial.py", "--config", repository / "TauAdv/configs/adversarial_deeptau_v2p5.yaml", *common,
        "tagger=tau_transformer", "network=null", f"adv_shards={sets}/adv", "n_adv_tau=16", "experiment=tau transformer",
        f"pretrained.run_id={nominal.id}", f"pretrained.mlpath={nominal.mlpath}", "use_previous_opt=true",
        "attack={kind: fgsm, eps: 0.1}",
    )  # fmt: skip
    (tuned,) = [run for run in list_runs(mlruns) if run.id != nominal.id]
    assert tuned.status == "FINISHED"

    which = ("--expID", tuned.id, "--mlpath", tuned.mlpath)
    run_script("Evaluation/apply_adversarial_training.py", *which, "--eval_ds", sets / "adv")
    predictions = pd.read_csv(tuned.artifacts / "predictions/adversarial_evaluation.csv", index_col=0)
    assert len(predictions) == 80
    assert predictions["y_pred_adv"].between(0, 1).all()
    np.testing.assert_allclose(predictions[["p_e", "p_mu", "p_tau", "p_jet"]].sum(axis=1), 1, rtol=1e-5)
