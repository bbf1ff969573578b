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
FEW_STEPS = (
    "schedule.n_epochs=1",
    "schedule.n_batches=2",
    "data.n_tau=24",
    "output.gradient_steps=0",
    "data.validation_fraction=0",
    "schedule.early_stopping=null",
)


@pytest.fixture
def sets(tmp_path):
    write_shards(tmp_path / "class", "classification", 120, 1)
    write_shards(tmp_path / "adv", "adversarial", 80, 2)
    (tmp_path / "network.yaml").write_text(SMALL)
    return tmp_path


def test_the_commands_of_other_taggers_serve_the_transformer(sets, run_script, repository, tmp_path):
    config, mlruns = repository / "TauAdv/configs/classifier_tau_transformer.yaml", tmp_path / "mlruns"
    common = (*FEW_STEPS, f"data.shards={sets}/class", f"output.mlruns={mlruns}")
    run_script("Training/train_classifier.py", "--config", config, *common, f"model.network={sets}/network.yaml")
    (nominal,) = list_runs(mlruns)
    run_script(
        "Training/train_adversarial.py", "--config", repository / "TauAdv/configs/adversarial_deeptau_v2p5.yaml", *common,
        "tagger=tau_transformer", "model.network=null", f"data.adv_shards={sets}/adv", "data.n_adv_tau=16",
        "output.experiment=tau transformer",
        f"model.pretrained.run_id={nominal.id}", f"model.pretrained.mlpath={nominal.mlpath}", "model.use_previous_opt=true",
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
