"""Trainings that share compiled steps and inputs end as each does alone, bit for bit."""

import numpy as np
import pytest

from TauAdv.models.keras_archive import archive_configuration
from TauAdv.runs import find_run
from TauAdv.training.run.checkpoints import latest_checkpoint
from TauAdv.training.run.shared import Shared, graph_of
from TauAdv.training.run.train import train

ADVERSARIAL = {
    "method": "reversal",
    "attack": {"kind": "pgd", "eps": 0.05, "steps": 1},
    "n_epochs": 1,
    "validation_shards": None,
}
OTHER = {"seed": 2, "adv_parameter": [1, 6], "learning_rate": 0.003}
TIMED = "jets_per_second"


def variables(run):
    with np.load(latest_checkpoint(run.artifacts / "model_checkpoints") / "variables.npz") as stored:
        return {name: stored[name] for name in stored.files}


def metrics(run):
    names = [name for name in run.metrics if not name.endswith(TIMED) and not name.startswith("system/")]
    return {name: run.metric_history(name) for name in names}


def seeds(configuration):
    """Return all values of ``seed`` in a configuration, in its order."""
    if isinstance(configuration, list):
        return [seed for part in configuration for seed in seeds(part)]
    if not isinstance(configuration, dict):
        return []
    own = [configuration["seed"]] if isinstance(configuration.get("seed"), int) else []
    return own + [seed for part in configuration.values() for seed in seeds(part)]


@pytest.mark.slow
def test_second_training_is_the_same_as_alone(settings_of_jets):
    first, second = settings_of_jets(**ADVERSARIAL), settings_of_jets(**ADVERSARIAL | OTHER)
    shared = Shared()
    train(first, shared=shared)
    trainer = shared._trainer
    found = find_run(second.output.mlruns, train(second, shared=shared))
    assert shared._trainer is trainer
    alone = find_run(second.output.mlruns, train(second))
    expected = variables(alone)
    assert {name.partition("/")[0] for name in expected} == {"window", "model", "optimizer", "adv_optimizer"}
    assert expected.keys() == variables(found).keys()
    for name, value in variables(found).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert metrics(found) == metrics(alone)
    models = [archive_configuration(run.artifacts / "model" / "model.keras") for run in (found, alone)]
    assert seeds(models[0]) == seeds(models[1])
    assert len(seeds(models[0])) > 2


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"seed": 2}, True),
        ({"adv_parameter": [1, 6], "adv_learning_rate": 0.5}, True),
        ({"k2_schedule": {"kind": "dann"}}, True),
        ({"learning_rate": 0.1, "n_epochs": 5, "run_name": "other"}, True),
        ({"adv_head_steps": 2}, False),
        ({"adv_focal_gamma": 2}, False),
        ({"batch_size": 32}, False),
        ({"clip_norm": 1.0}, False),
        ({"attack.eps": 0.01}, False),
        ({"precision": "float64"}, False),
    ],
)
def test_same_graph(settings_of_jets, changes, is_same):
    first, second = settings_of_jets(**ADVERSARIAL), settings_of_jets(**{**ADVERSARIAL, **changes})
    network = first.spec.load_network(first.model.network)
    assert (graph_of(first, network) == graph_of(second, network)) == is_same


def test_other_network_is_another_graph(settings_of_jets):
    settings = settings_of_jets(**ADVERSARIAL)
    network = settings.spec.load_network(settings.model.network)
    assert graph_of(settings, network) != graph_of(settings, network.model_copy(update={"dropout": 0.77}))


def test_sets_are_opened_once_for_all_that_read_the_same(settings_of_jets):
    shared = Shared()
    first, second = (shared.inputs(settings_of_jets(seed=seed)) for seed in (1, 2))
    assert first.sets is second.sets
    assert [first.settings.seed, second.settings.seed] == [1, 2]
    split = {"validation_shards": None, "validation_fraction": 0.5}
    third, fourth = (shared.inputs(settings_of_jets(**split, seed=seed)) for seed in (1, 2))
    assert third.sets is not fourth.sets
