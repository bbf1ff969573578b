"""Prediction tables of labelled candidates, as classification sets give them."""

import numpy as np
import pandas as pd

CLASSES = ("e", "mu", "tau", "jet")


def labelled_table(n=6000, seed=1, shift=0.0):
    """Return candidates of four classes whose probabilities tell them apart; ``shift`` helps taus."""
    rng = np.random.default_rng(seed)
    label = rng.choice(4, n, p=[0.1, 0.1, 0.5, 0.3])
    logits = rng.normal(size=(n, 4))
    logits[np.arange(n), label] += 2.0 + shift * (label == 2)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "Djet": probabilities[:, 2] / (probabilities[:, 2] + probabilities[:, 3]),
            "y": label,
            "weights": rng.uniform(0.5, 2, n),
            "run": np.ones(n, np.uint32),
            "lumi": np.ones(n, np.uint32),
            "evt": np.arange(n, dtype=np.uint64),
            "dataset_id": np.full(n, -1),
            "tau_pt": rng.uniform(20, 120, n),
            "tau_eta": rng.uniform(-2.5, 2.5, n),
            "tau_decayMode": rng.choice([0, 1, 2, 5, 10, 11], n),
            **{f"p_{name}": column for name, column in zip(CLASSES, probabilities.T, strict=True)},
            "tau_dz": rng.normal(0, 0.15, n),
        }
    )
