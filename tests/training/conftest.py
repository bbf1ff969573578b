"""Sets of shards, and settings to train a small network on them in a few seconds."""

from functools import partial
from pathlib import Path

import pytest
from prepared_jets import prepared_jets
from synthetic_shards import write_network, write_shards
from training_classes import jet_settings, load_adversarial, load_classifier, placed


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Folder with sets of shards and networks."""
    folder = tmp_path_factory.mktemp("training")
    write_shards(folder / "class", "classification", 160, 1)
    write_shards(folder / "class_val", "classification", 50, 2)
    write_shards(folder / "adv", "adversarial", 90, 3)
    write_shards(folder / "adv_val", "adversarial", 40, 4)
    write_network(folder / "network.yaml")
    write_network(folder / "still.yaml", dropout=0.0)
    return folder


def _settings(load, data, mlruns, **changes):
    common = {"shards": data / "class", "network": str(data / "network.yaml"), "mlruns": mlruns, "n_tau": 32, "n_epochs": 2}
    common["gradient_steps"] = 0  # a measured step is another graph, which takes seconds to make
    if load is load_adversarial:
        common |= {"adv_shards": data / "adv", "n_adv_tau": 20, "adv_parameter": [1, 2]}
    return load(None, placed({**common, **changes}))


@pytest.fixture(scope="session")
def classifier_run(data, tmp_path_factory):
    """A finished training of a classifier: its settings and its run."""
    from TauAdv.runs import find_run
    from TauAdv.training.run.train import train

    changes = {"data.validation_shards": data / "class_val", "output.run_name": "classifier", "schedule.n_epochs": 3}
    settings = _settings(load_classifier, data, tmp_path_factory.mktemp("runs") / "mlruns", **changes)
    return settings, find_run(settings.output.mlruns, train(settings))


@pytest.fixture
def classifier_settings(data, tmp_path):
    """Return a function: changes -> settings of a classifier's training."""
    return partial(_settings, load_classifier, data, tmp_path / "mlruns")


@pytest.fixture
def adversarial_settings(data, tmp_path):
    """Return a function: changes -> settings of an adversarial training."""
    return partial(_settings, load_adversarial, data, tmp_path / "mlruns")


@pytest.fixture(scope="session")
def jets(tmp_path_factory) -> Path:
    """Folder with prepared jets and networks."""
    return prepared_jets(tmp_path_factory.mktemp("jets"))


@pytest.fixture
def settings_of_jets(jets, tmp_path):
    """Return a function: changes -> settings of a training of jets; with two domains for a method that reads them."""

    def settings(**changes):
        common = {"shards": jets / "jets/train", "validation_shards": jets / "jets/val", "network": str(jets / "small.yaml")}
        common |= {"mlruns": tmp_path / "mlruns", "batch_size": 64, "n_epochs": 2, "learning_rate": 0.01, "log_steps": 2}
        if changes.get("method") in {"reversal", "mmd"}:
            common |= {"adv_shards": jets / "domains/train", "adv_batch_size": 32, "gradient_steps": 0}
        if changes.get("method") == "reversal":
            common["adv_parameter"] = [1, 2]
        return jet_settings(None, placed({**common, **changes}))

    return settings
