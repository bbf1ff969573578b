"""Training of DeepTau against attacks on its inputs, alone and with an adversarial head."""

import numpy as np
import pytest
import tensorflow as tf

from TauAdv.attacks.constraints.taus import tau_constraints
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import label_loss
from TauAdv.features.table import FeatureTable
from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.deeptau.settings import load_network
from TauAdv.runs import find_run
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.train import train
from TauAdv.training.step.attacked_batches import TrainingAttacks

pytestmark = pytest.mark.slow

TENSORS = ("tau", "inner_cells", "outer_cells")


@pytest.fixture(scope="module")
def constraints():
    return tau_constraints(FeatureTable.load("deeptau_v2p5"))


def tensors(inputs, step=0):
    return {name: tf.constant(values) for name, values in inputs.source()(step).items()}


def test_attacked_batch_is_that_of_the_attack(classifier_settings, constraints):
    settings = classifier_settings(attack={"eps": 0.1})
    model, batch = build_classifier(load_network(settings.model.network), seed=1), tensors(open_inputs(settings))
    attacks = TrainingAttacks.of(model, settings, constraints, settings.spec.objective(settings))
    found = attacks.attacked(batch, 0, {})
    expected = fgsm(label_loss(model, settings.spec.objective(settings).loss), batch, constraints, 0.1)
    for name in TENSORS:
        np.testing.assert_array_equal(found[name], expected[name])
    assert np.any(found["tau"] != batch["tau"])


def test_control_region_is_not_attacked(adversarial_settings, constraints):
    settings = adversarial_settings(attack={"kind": "pgd", "eps": 0.1, "steps": 2})
    model, batch = build_classifier(load_network(settings.model.network), seed=1), tensors(open_inputs(settings))
    attacks = TrainingAttacks.of(model, settings, constraints, settings.spec.objective(settings))
    found = attacks.attacked(batch, 0, {})
    moved = (found["tau"] != batch["tau"]).numpy().any(axis=1)
    assert moved[:32].all()
    assert not moved[32:].any()
    for grid in ("inner", "outer"):
        moved = (found[f"{grid}_cells"] != batch[f"{grid}_cells"]).numpy().any(axis=1)
        owner = batch[f"{grid}_index"].numpy()[:, 0]
        assert moved[owner < 32].any()
        assert not moved[owner >= 32].any()


def test_classifier_against_fgsm(classifier_settings, data):
    attack = {"eps": 0.05, "fraction": 0.5}
    settings = classifier_settings(
        attack=attack, validation_attack={"eps": 0.2}, validation_shards=data / "class_val", n_epochs=1
    )
    run = find_run(settings.output.mlruns, train(settings))
    assert run.metrics["val_attacked_loss"] > run.metrics["val_loss"]
    assert {"val_auc_tau_vs_jet", "val_attacked_auc_tau_vs_e"} <= set(run.metrics)


def test_domain_adaptation_against_trades(adversarial_settings):
    attack = {"kind": "pgd", "eps": 0.05, "steps": 2, "trades_beta": 2}
    settings = adversarial_settings(attack=attack, n_epochs=1, n_batches=2, gradient_steps=1)
    run = find_run(settings.output.mlruns, train(settings))
    assert run.metrics["divergence"] > 0
    assert run.metrics["loss"] == pytest.approx(
        run.metrics["pure_loss"] + 2 * run.metrics["divergence"] + run.metrics["reg_loss"], rel=1e-5
    )
