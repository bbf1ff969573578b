"""A small transformer over cells, and the same written out in numpy: one tau after the other, without padding or masks."""

import math

import numpy as np

from TauAdv.models.tau_transformer.network import TauTransformer
from TauAdv.models.tau_transformer.settings import TransformerSettings
from TauAdv.models.variables import named_weights

SMALL = {
    "name": "small",
    "dropout": 0.0,
    "tau": {"n_features": 6, "widths": [7, 5]},
    "components": {"egamma": {"n_features": 5}, "muon": {"n_features": 4}, "hadrons": {"n_features": 3}},
    "grids": {"inner": {"n_cells": 5}, "outer": {"n_cells": 7}},
    "embedding": 6,
    "width": 8,
    "heads": 2,
    "layers": 2,
    "feed_forward": 7,
    "groups": 3,
    "class_head": {"widths": [6]},
    "adversarial_head": {"widths": [6, 4]},
}


def small_transformer(*, adversarial=False, dtype="float32", seed=1, **changes):
    """A model with random weights, also where layers begin with zeros or ones."""
    network = TransformerSettings.model_validate({**SMALL, **changes})
    build = TauTransformer.adversarial if adversarial else TauTransformer.classifier
    model, generator = build(network, dtype=dtype, seed=seed), np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(weight + 0.3 * generator.normal(size=weight.shape))
    return model


def reference_scores(model, inputs):
    """Class scores [n, classes] in double precision, from the definition."""
    network = model.network
    w = {layer.name: {k: np.asarray(v, "f8") for k, v in named_weights(layer).items()} for layer in model.layers}

    def dense(name, x):
        return x @ w[name]["kernel"] + w[name]["bias"]

    def normalised(name, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        return (
            centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + network.epsilon) * w[name]["gamma"]
            + w[name]["beta"]
        )

    def attention(name, asking, looked_at):
        part = {key: w[name][f"{key}/kernel"] for key in ("query", "key", "value", "attention_output")}
        bias = {key: w[name][f"{key}/bias"] for key in part}
        found = bias["attention_output"].copy() * np.ones((len(asking), 1))
        for head in range(network.heads):
            q, k, v = (
                x @ part[key][:, head] + bias[key][head]
                for key, x in (("query", asking), ("key", looked_at), ("value", looked_at))
            )
            shares = np.exp(q @ k.T / math.sqrt(q.shape[1]))
            found += shares / shares.sum(axis=1, keepdims=True) @ v @ part["attention_output"][head]
        return found

    def block(number, x, n_asking):
        y = normalised(f"attention_{number}_norm", x)
        x = x[:n_asking] + attention(f"attention_{number}", y[:n_asking], y)
        y = np.maximum(dense(f"feed_forward_{number}_1", normalised(f"feed_forward_{number}_norm", x)), 0)
        return x + dense(f"feed_forward_{number}_2", y)

    def cell_tokens(grid, tau):
        chosen = inputs[f"{grid}_index"][:, 0] == tau
        index, n_cells = inputs[f"{grid}_index"][chosen], network.grids[grid].n_cells
        x = [inputs[f"{grid}_cells"][chosen], np.eye(n_cells)[index[:, 1]], np.eye(n_cells)[index[:, 2]]]
        x = np.maximum(dense(f"{grid}_embedding_1", np.concatenate(x, axis=1)), 0)
        return dense(f"{grid}_embedding_2", x)

    def scores(tau):
        flat = np.asarray(inputs["tau"][tau], "f8")
        for number in range(1, len(network.tau.widths) + 1):
            flat = np.maximum(normalised(f"tau_norm_{number}", dense(f"tau_dense_{number}", flat)), 0)
        x = np.concatenate([dense("tau_token", flat)[None], *(cell_tokens(grid, tau) for grid in network.grids)])
        for number in range(1, network.layers + 1):
            x = block(number, x, len(x))
        x = np.concatenate([flat, normalised("own_norm", block(network.layers + 1, x, 1)[0])])
        for number in range(1, len(network.class_head.widths) + 1):
            x = np.maximum(dense(f"final_dense_{number}", x), 0)
        x = np.exp(dense("final_dense_last", x))
        return x / x.sum()

    return np.stack([scores(tau) for tau in range(len(inputs["tau"]))])
