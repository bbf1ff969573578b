"""Small networks and random batches for the tests of networks and of their training."""

import numpy as np
import tensorflow as tf

from TauAdv.models.deeptau.settings import NetworkSettings

N_FILLED = {"inner": 4.0, "outer": 9.0}


def tiny_network(**changes) -> NetworkSettings:
    """A network with every kind of layer, small enough for eager float64."""
    settings = {
        "name": "tiny",
        "dropout": 0.0,
        "tau": {"n_features": 6, "widths": [6, 5]},
        "components": {
            "egamma": {"n_features": 5, "widths": [5]},
            "muon": {"n_features": 4, "widths": [4, 3]},
            "hadrons": {"n_features": 3, "widths": [3]},
        },
        "merge": {"widths": [6, 5]},
        "grids": {"inner": {"n_cells": 5}, "outer": {"n_cells": 7}},
        "class_head": {"widths": [8, 8]},
        "adversarial_head": {"widths": [8, 8]},
        "n_empty_rows": 4,
    }
    return NetworkSettings.model_validate({**settings, **changes})


def random_inputs(network: NetworkSettings, n_taus: int, seed: int = 0, filled=None) -> dict[str, np.ndarray]:
    """Inputs with random filled cells, sorted as the shards deliver them."""
    generator = np.random.default_rng(seed)
    inputs = {"tau": generator.normal(size=(n_taus, network.tau.n_features)).astype("f4")}
    for grid, settings in network.grids.items():
        mean = (filled or N_FILLED)[grid]
        occupied = generator.random((n_taus, settings.n_cells, settings.n_cells)) < mean / settings.n_cells**2
        index = np.argwhere(occupied).astype("i4")
        inputs[f"{grid}_index"] = index
        inputs[f"{grid}_cells"] = generator.normal(size=(len(index), network.n_cell_features)).astype("f4")
    return inputs


def paired_batch(network: NetworkSettings, n_class: int, n_adv: int, seed: int = 0) -> dict[str, tf.Tensor]:
    """A batch of class rows and then adversarial rows, with random weights."""
    generator = np.random.default_rng(seed + 1)
    n_taus = n_class + n_adv
    is_class = np.arange(n_taus) < n_class
    labels = np.eye(4, dtype="f4")[generator.integers(0, 4, n_taus)] * is_class[:, None]
    data = generator.integers(0, 2, (n_taus, 1)) * ~is_class[:, None]
    weights = generator.uniform(0.5, 1.5, n_taus)
    batch = random_inputs(network, n_taus, seed) | {
        "y": labels,
        "weight": (weights * is_class).astype("f4"),
        "y_adv": data.astype("f4"),
        "weight_adv": (weights * ~is_class).astype("f4"),
    }
    return {name: tf.constant(values) for name, values in batch.items()}


def take_taus(batch: dict[str, tf.Tensor], rows) -> dict[str, tf.Tensor]:
    """The batch of some taus only."""
    rows, n_taus = np.asarray(rows), len(batch["tau"])
    new_row = np.full(n_taus, -1, "i4")
    new_row[rows] = np.arange(len(rows))
    taken = {}
    for name, values in batch.items():
        if name.endswith("_cells"):
            continue
        if name.endswith("_index"):
            index, cells = values.numpy(), batch[name.replace("_index", "_cells")].numpy()
            kept = new_row[index[:, 0]] >= 0
            index = np.concatenate([new_row[index[:, :1]], index[:, 1:]], axis=1)
            taken[name], taken[name.replace("_index", "_cells")] = tf.constant(index[kept]), tf.constant(cells[kept])
        else:
            taken[name] = tf.constant(values.numpy()[rows])
    return taken


def randomise(model, seed: int = 0) -> None:
    """Give every weight, running statistics included, a value that is neither zero nor one."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in {"gamma", "moving_variance"}:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        elif weight.name in {"beta", "moving_mean", "alpha", "bias"}:
            weight.assign(generator.normal(0, 0.3, weight.shape))


def freeze_batch_statistics(model) -> None:
    """Let every batch normalisation use its running statistics."""
    for layer in model.layers:
        if "_norm_" in layer.name:
            layer.trainable = False
