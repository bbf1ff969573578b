"""Prediction tables of a made-up control region, of known truth."""

import numpy as np
import pandas as pd


def control_table(n_data, n_mc, seed, *, data_modes=(0.4, 0.6), data_power=1.0, weights=None):
    """Return a table of data (dataset_id 0) and genuine simulation (1), equal but for what is planted.

    Args:
        n_data: rows of data.
        n_mc: rows of simulation.
        seed: of the rows.
        data_modes: parts of the decay modes 0 and 1 in data; those of simulation are 0.4 and 0.6.
        data_power: scores of data are u**power, those of simulation u, with u flat between 0 and 1.
        weights: function of (rng, n_mc) that returns the weights of simulation.
    """
    rng = np.random.default_rng(seed)
    is_data = np.arange(n_data + n_mc) < n_data
    modes = np.where(is_data, rng.random(len(is_data)) < data_modes[1], rng.random(len(is_data)) < 0.6).astype(int)
    score = rng.random(len(is_data)) ** np.where(is_data, data_power, 1.0)
    return pd.DataFrame(
        {
            "Djet": score,
            "weights": np.r_[np.ones(n_data), np.ones(n_mc) if weights is None else weights(rng, n_mc)],
            "dataset_id": np.where(is_data, 0, 1),
            "tau_pt": rng.uniform(20, 60, len(is_data)),
            "tau_eta": rng.uniform(-2.3, 2.3, len(is_data)),
            "tau_decayMode": modes,
        }
    )
