"""Batch statistics of the official network with dropout: sparse grids against the spread of dense ones from seed to seed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_batches import random_inputs

from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.transfer import copy_weights_by_name

pytestmark = pytest.mark.slow

LAYERS = [f"{grid}_all_norm_{number}" for grid in ("inner", "outer") for number in (1, 2, 3, 4)]  # of merged cells
N_TAUS, N_SEEDS = 24, 6


def statistics(official, **changes):
    """Batch means and variances of the layers, each [seeds, 2, channels], of one batch under different dropout."""
    model = build_classifier(official.network.model_copy(update=changes), seed=3)
    assert model.network.dropout == 0.2
    copy_weights_by_name(official, model, require_shapes=True)
    layers = [model.get_layer(name) for name in LAYERS]
    for layer in layers:
        layer.momentum = 0.0  # the running statistics become those of the last batch
    inputs = random_inputs(model.network, N_TAUS, seed=5, filled={"inner": 8, "outer": 25})
    inputs = {name: tf.constant(values) for name, values in inputs.items()}
    cells = keras.Model(model.input, [model.get_layer(name).output for name in (LAYERS[3], LAYERS[7])])  # up to the last
    forward = tf.function(lambda: cells(inputs, training=True))
    found = []
    for _ in range(N_SEEDS):
        forward()
        found.append([np.stack([layer.moving_mean.numpy(), layer.moving_variance.numpy()]) for layer in layers])
    return [np.stack(seeds) for seeds in zip(*found, strict=True)]


def spread(values, others):
    """RMS over channels of the distance from other seeds in units of their spread: [means, variances]."""
    return np.sqrt(np.mean(((values - others.mean(axis=0)) / others.std(axis=0, ddof=1)) ** 2, axis=-1))


def excess(sparse, dense):
    """RMS distance of sparse seeds from the dense ones, over that of each dense seed from the rest: [layers, 2]."""
    ratios = []
    for ours, theirs in zip(sparse, dense, strict=True):
        from_dense = np.mean([spread(seed, theirs) ** 2 for seed in ours], axis=0)
        among_dense = np.mean([spread(theirs[i], np.delete(theirs, i, axis=0)) ** 2 for i in range(N_SEEDS)], axis=0)
        ratios.append(np.sqrt(from_dense / among_dense))
    return np.stack(ratios)


def test_sparse_statistics_lie_within_the_spread_of_dense_ones(official_network):
    dense = statistics(official_network, grid_mode="dense")
    few, default = (excess(statistics(official_network, n_empty_rows=k), dense) for k in (4, 512))
    print(f"K = 512: means {default[:, 0].round(2)}, variances {default[:, 1].round(2)}")
    print(f"K = 4: means {few[:, 0].round(2)}, variances {few[:, 1].round(2)}")
    assert np.sqrt(np.mean(default**2)) < 1.4
    assert default.max() < 2.0
    assert np.sqrt(np.mean(few**2)) > 3.0  # too few rows are seen
