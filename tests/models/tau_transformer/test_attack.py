"""Attacks on the inputs of the transformer: gradients reach flat features and cells through the attention."""

import numpy as np
import pytest
import tensorflow as tf
from synthetic_shards import write_shards
from transformer_networks import small_transformer

from TauAdv.attacks.fgsm import Fgsm
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.settings import make_attack
from TauAdv.shards.store import ShardSet
from TauAdv.taggers.registry import tagger_of_model

pytestmark = pytest.mark.slow

SIZES = {
    "tau": {"n_features": 43, "widths": [5]},
    "components": {"egamma": {"n_features": 86}, "muon": {"n_features": 64}, "hadrons": {"n_features": 38}},
    "grids": {"inner": {"n_cells": 11}, "outer": {"n_cells": 21}},
}


def test_fgsm_moves_all_inputs_and_makes_the_loss_larger(tmp_path):
    write_shards(tmp_path / "set", "classification", 40, 1)
    shards, model = ShardSet.open(tmp_path / "set"), small_transformer(**SIZES)
    taus, columns = shards.take(np.arange(40))
    batch = {key: tf.constant(values) for key, values in {**taus.as_inputs(), "y": columns["y"]}.items()}
    objective = label_loss(model, lambda y, p: -tf.reduce_sum(tf.cast(y, p.dtype) * tf.math.log(p + 1e-7), axis=1))
    constraints = tagger_of_model(model).constraints(shards.table)
    attack = make_attack(Fgsm(eps=0.01), constraints)
    attacked = attack(objective, batch, tf.constant([1, 2]), tf.constant(1.0))
    assert tf.reduce_sum(objective(attacked)) > tf.reduce_sum(objective(batch))
    for name in ("tau", "inner_cells", "outer_cells"):
        assert np.any(attacked[name] != batch[name])
    np.testing.assert_array_equal(attacked["outer_index"], batch["outer_index"])
