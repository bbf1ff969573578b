"""A tagger of taus and one of jets, small and untrained, with sets of shards and tuples that they read."""

from types import SimpleNamespace

import pytest
from evaluation_inputs import tiny_network, write_run, write_set


@pytest.fixture(scope="session")
def taus(tmp_path_factory, repository):
    """Runs ``classifier`` and ``adversarial``, sets ``control`` and ``test``, and the file ``tuples`` of simulated taus."""
    from TauAdv.models.deeptau.network import build_adversarial, build_classifier

    folder, network = tmp_path_factory.mktemp("taus"), tiny_network()
    return SimpleNamespace(
        mlruns=folder / "mlruns",
        classifier=write_run(folder / "mlruns", build_classifier(network), "classifier"),
        adversarial=write_run(folder / "mlruns", build_adversarial(network, seed=1), "adversarial"),
        control=write_set(folder / "control", "adversarial", 230, data_shift=0.1),
        test=write_set(folder / "test", "classification", 210, seed=2),
        tuples=repository / "tests/data/sample/DYee.root",
    )


@pytest.fixture(scope="session")
def jets(tmp_path_factory):
    """Prepared jets of the committed sample (``test``), extracted ones (``extracted``) and a run."""
    from jet_runs import prepared, train_run

    folder = tmp_path_factory.mktemp("jets")
    sets = prepared(folder, jets=600)
    run = train_run(folder / "mlruns", sets / "train", "one", epochs=1)
    return SimpleNamespace(run=run, test=sets / "test", extracted=folder / "jets", mlruns=folder / "mlruns")
