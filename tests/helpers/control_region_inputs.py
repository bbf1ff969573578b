"""Prediction tables of a control region, as adversarial sets give them."""

import numpy as np
import pandas as pd


def control_table(n=6000, seed=1, shift=0.0):
    """Return data and simulation in equal parts; ``shift`` moves the logit of the score of data's genuine taus."""
    rng = np.random.default_rng(seed)
    process = rng.choice([1, 2, 3, 4, 5, 6], 2 * n, p=[0.72, 0.1, 0.02, 0.02, 0.07, 0.07])
    data = np.arange(2 * n) < n
    genuine = np.isin(process, [1, 2])
    logit = rng.normal(np.where(genuine, 2.0, -1.0), 1.0) + shift * (data & genuine)
    score = 1 / (1 + np.exp(-logit))
    weights = np.where(data, 1.0, rng.uniform(0.5, 1.5, 2 * n))
    return pd.DataFrame(
        {
            "Djet": score,
            "y": data.astype(float),
            "weights": weights,
            "y_pred_adv": np.full(2 * n, 0.5),
            "dataset_id": np.where(data, 0, process),
            "tau_pt": rng.choice([25.0, 35.0, 50.0, 80.0, 1500.0], 2 * n),
            "tau_eta": rng.uniform(-2, 2, 2 * n),
            "tau_decayMode": rng.choice([0, 1, 10, 11], 2 * n),
            "p_e": np.zeros(2 * n),
            "p_mu": np.zeros(2 * n),
            "p_tau": score,
            "p_jet": 1 - score,
        }
    )
