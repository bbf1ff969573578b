"""Prediction tables of labelled candidates, as classification sets give them, and performance files of TauMLTools."""

import json

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


def original(**more):
    """Return a curve as TauMLTools writes it."""
    place = {"pt_min": 20, "pt_max": 100, "eta_min": 0, "eta_max": 2.5, "dm_bin": [0, 1, 2, 10, 11]}
    rates = {"false_positive_rate": [0.0, 1e-3, 1e-2], "true_positive_rate": [0.2, 0.6, 0.9], "thresholds": [0.9, 0.8, 0.5]}
    look = {"color": "black", "dots_only": False, "dashed": False, "marker_size": 5, "pt_text": "x"}
    return {**place, "vs_type": "jet", "dataset_alias": "tau_DY", "auc_score": 0.97, **rates, "plot_setup": look, **more}


def original_file(path, *curves, points=()):
    metrics = {"roc_curve": list(curves)} | ({"roc_wp": list(points)} if points else {})
    path.write_text(json.dumps({"name": "DeepTau (v2.1)", "period": "2018 (13 TeV)", "metrics": metrics}))
    return path
