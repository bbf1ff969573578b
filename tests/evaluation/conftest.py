"""Synthetic prediction tables with known agreement of data and simulation."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def make_table():
    """Return a function that makes a prediction table; ``data_shift`` moves the logit of the score of data."""

    def make(n_data=4000, n_mc=4000, data_shift=0.0, seed=1, mc_weight=None):
        rng = np.random.default_rng(seed)
        dataset_id = np.concatenate(
            [np.zeros(n_data, int), rng.choice([1, 2, 3, 4, 5, 6], n_mc, p=[0.72, 0.1, 0.02, 0.02, 0.07, 0.07])]
        )
        # data is composed as the simulation is
        kind = np.where(dataset_id == 0, rng.choice([1, 4], len(dataset_id), p=[0.82, 0.18]), dataset_id)
        genuine = np.isin(kind, [1, 2])
        logit = rng.normal(np.where(genuine, 3.0, 0.5), 1.0) + data_shift * (dataset_id == 0)
        weights = np.ones(len(dataset_id))
        if mc_weight is not None:
            weights[dataset_id != 0] = mc_weight(rng, n_mc)
            weights[dataset_id != 0] *= n_data / weights[dataset_id != 0].sum()
        return pd.DataFrame(
            {
                "Djet": 1 / (1 + np.exp(-logit)),
                "y": (dataset_id == 0).astype(float),
                "weights": weights,
                "y_pred_adv": np.clip(rng.normal(0.495, 0.02, len(dataset_id)), 0, 1),
                "dataset_id": dataset_id,
            }
        ).sample(frac=1, random_state=seed, ignore_index=True)

    return make
