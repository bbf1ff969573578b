"""Synthetic prediction tables, sets of shards and runs."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from evaluation_inputs import tiny_network, write_run, write_set


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


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Sets of shards: a control region with shifted data, and a labelled test set."""
    folder = tmp_path_factory.mktemp("shards")
    return SimpleNamespace(
        control=write_set(folder / "control", "adversarial", 620, data_shift=0.1),
        test=write_set(folder / "test", "classification", 450, seed=2),
    )


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Untrained networks in runs: ``nominal`` (classifier), ``fine_tune`` and ``adversarial`` (with the second head)."""
    from TauAdv.models.deeptau.network import build_adversarial, build_classifier

    mlruns = tmp_path_factory.mktemp("store") / "mlruns"
    network = tiny_network()
    made = {
        "nominal": write_run(mlruns, build_classifier(network), "nominal"),
        "fine_tune": write_run(mlruns, build_adversarial(network, seed=1), "fine-tune", "adaptation"),
        "adversarial": write_run(mlruns, build_adversarial(network, seed=2), "adversarial", "adaptation"),
    }
    return SimpleNamespace(mlruns=mlruns, **made)


@pytest.fixture(scope="session")
def jets(tmp_path_factory):
    """Prepared jets of the committed sample (``train``, ``test``) and two runs of small taggers trained on them."""
    from jet_runs import prepared, train_run

    folder = tmp_path_factory.mktemp("jets")
    sets = prepared(folder, jets=3000)
    runs = {name: train_run(folder / "mlruns", sets / "train", name, seed=seed) for seed, name in enumerate(("one", "two"))}
    return SimpleNamespace(train=sets / "train", test=sets / "test", mlruns=folder / "mlruns", folder=folder, **runs)
