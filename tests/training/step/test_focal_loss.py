"""The setting ``adv_focal_gamma`` chooses the adversarial loss."""

import numpy as np
import pytest
from network_batches import paired_batch, tiny_network
from training_classes import load_adversarial

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.tagger import network_inputs
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

NETWORK = tiny_network(
    tau={"n_features": 6, "widths": [5]},
    components={"egamma": {"n_features": 5, "widths": [4]}},
    merge={"widths": [4]},
    grids={"inner": {"n_cells": 3}},
    class_head={"widths": [6]},
    adversarial_head={"widths": [6]},
)


@pytest.mark.parametrize("gamma", [None, 0.0, 2.0])
def test_loss_of_a_validation(gamma):
    changes = {
        "data.shards": "a",
        "data.adv_shards": "b",
        "data.n_tau": 6,
        "data.n_adv_tau": 5,
        "method.adv_focal_gamma": gamma,
    }
    model = build_adversarial(NETWORK)
    trainer = Trainer(model, load_adversarial(None, changes))
    batch = paired_batch(NETWORK, 0, 5, seed=3)
    trainer.validate_adversarial(batch)
    found = means(trainer.validation_sums.names, trainer.validation_sums.take())
    p = model(network_inputs(batch), training=False)["adv_output"].numpy()[:, 0].astype("f8")
    y, weight = batch["y_adv"].numpy()[:, 0], batch["weight_adv"].numpy()
    of_truth = np.where(y == 1, p, 1 - p)
    expected = weight * (1 - of_truth) ** (gamma or 0) * -np.log(of_truth)
    assert found["adv_loss"] == pytest.approx(expected.mean(), rel=1e-5)
