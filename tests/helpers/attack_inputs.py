"""Small taggers, batches and constraints for the tests of attacks."""

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.models.jet_flavour.network import build_jet_classifier
from TauAdv.models.jet_flavour.settings import JetNetworkSettings

N_FEATURES = 8


def jet_model(n_features=N_FEATURES, seed=0, dropout=0.0):
    network = {"name": "small", "n_features": n_features, "hidden": [16, 16], "common_layers": 1, "dropout": dropout}
    return build_jet_classifier(JetNetworkSettings.model_validate(network), seed=seed)


def jet_batch(n_jets=20, n_features=N_FEATURES, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.eye(3, dtype="f4")[generator.integers(0, 3, n_jets)]
    x = generator.normal(size=(n_jets, n_features)) + np.pad(labels, [(0, 0), (0, n_features - 3)])
    return {
        "x": tf.constant(x.astype("f4")),
        "x_default": tf.constant(generator.random((n_jets, n_features)) < 0.25),
        "y": tf.constant(labels),
        "weight": tf.constant(generator.uniform(0.5, 2, n_jets).astype("f4")),
    }


def constraints(columns=None, **options):
    names = [f"f{i}" for i in range(N_FEATURES)]
    facts = {"integer": np.arange(N_FEATURES) == 2, "frozen": np.arange(N_FEATURES) == 5, "mask": "x_default"}
    return Constraints({"x": InputColumns.of(names, **{**facts, **(columns or {})})}, **options)


def bits(tensor):
    return np.asarray(tensor).view("u4")


def movable(batch, of):
    """Elements that may move in a batch under constraints without groups."""
    return of.columns["x"].movable & ~batch["x_default"].numpy()
