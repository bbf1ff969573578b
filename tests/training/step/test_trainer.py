"""Compiled steps: metrics, optimisers and unequal batch sizes."""

import network_batches
import numpy as np
import pytest
import tensorflow as tf
from network_batches import paired_batch, randomise, tiny_network
from training_classes import load_adversarial

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.models.tagger import network_inputs
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables
from TauAdv.training.run.checkpoints import model_variables
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

pytestmark = pytest.mark.slow

N_CLASS, N_ADV = 9, 5
NETWORK = tiny_network(  # one layer of each kind: a step is traced in a second
    tau={"n_features": 6, "widths": [5]},
    components={"egamma": {"n_features": 5, "widths": [4]}},
    merge={"widths": [4]},
    grids={"inner": {"n_cells": 3}},
    class_head={"widths": [6]},
    adversarial_head={"widths": [6]},
)
KNOBS = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 3.0}


@pytest.fixture(scope="module")
def trainer():
    changes = {"data.shards": "a", "data.adv_shards": "b", "data.n_tau": N_CLASS, "data.n_adv_tau": N_ADV}
    return Trainer(build_adversarial(NETWORK), load_adversarial(None, changes))


def all_variables(trainer):
    found = dict(model_variables(trainer.model))
    for group, optimizer in trainer.optimizers.items():
        found |= {f"{group}: {name}": value for name, value in optimizer.state().items()}
    return found


@pytest.fixture(scope="module")
def start(trainer):
    randomise(trainer.model)
    return {name: value.numpy() for name, value in all_variables(trainer).items()}


@pytest.fixture
def fresh(trainer, start):
    """The trainer as at the start."""
    put(trainer, start)
    return trainer


def put(trainer, values):
    for name, value in all_variables(trainer).items():
        value.assign(values[name])
    trainer.sums.take()


@pytest.fixture(scope="module")
def batch():
    return paired_batch(NETWORK, N_CLASS, N_ADV, seed=3)


def test_metrics_of_unequal_batches(fresh, batch, start):
    scores = {name: value.numpy() for name, value in fresh.model(network_inputs(batch), training=True).items()}
    values = {name: value.numpy() for name, value in batch.items()}
    put(fresh, start)
    fresh.train(batch, KNOBS)
    found = means(fresh.sums.names, fresh.sums.read())
    p, y, w = scores["main_output"][:N_CLASS], values["y"][:N_CLASS], values["weight"][:N_CLASS]
    loss = fresh.loss(tf.constant(y), tf.constant(p)).numpy()
    assert found["pure_loss"] == pytest.approx((w * loss).sum() / N_CLASS, rel=1e-4)
    assert found["accuracy"] == pytest.approx((p.argmax(1) == y.argmax(1)).mean())
    assert found["tau_crossentropy_v2"] == pytest.approx(loss.mean(), rel=1e-4)
    d, data, w = (
        array[N_CLASS:, ...] for array in (scores["adv_output"][:, 0], values["y_adv"][:, 0], values["weight_adv"])
    )
    entropy = -data * np.log(d) - (1 - data) * np.log(1 - d)
    assert found["adv_loss"] == pytest.approx((w * entropy).sum() / N_ADV, rel=1e-4)
    assert found["adv_accuracy"] == pytest.approx((w * ((d > 0.5) == (data > 0.5))).sum() / w.sum(), rel=1e-6)
    assert "class_gradient" not in found


def test_measured_step_is_the_same_step(fresh, batch, start):
    results, moments = [], []
    for measure in (False, True):
        put(fresh, start)
        fresh.train(batch, KNOBS, measure_gradients=measure)
        results.append(means(fresh.sums.names, fresh.sums.read()))
        after = all_variables(fresh).items()
        moments.append(np.concatenate([value.numpy().ravel() for name, value in after if name.endswith("/momentum")]))
    gradients = {name: results[1].pop(name) for name in ("class_gradient", "adv_gradient")}
    assert min(gradients.values()) > 0
    assert results[1] == pytest.approx(results[0], rel=1e-5)
    np.testing.assert_allclose(moments[1], moments[0], rtol=1e-3, atol=1e-5 * np.abs(moments[0]).max())


def test_mean_gradients_are_those_before_k1_and_k2(fresh, batch, start):
    set_gradient_scales(fresh.model, 1.0, 1.0)
    variables = [variable.value for variable in common_variables(fresh.model)]
    with tf.GradientTape(persistent=True) as tape:
        outputs = fresh.model(network_inputs(batch), training=True)
        by_row = batch["weight"] * fresh.loss(batch["y"], outputs["main_output"])
        class_loss = tf.reduce_sum(by_row) / N_CLASS
    expected = np.mean([np.abs(gradient.numpy()).mean() for gradient in tape.gradient(class_loss, variables)])
    put(fresh, start)
    fresh.train(batch, {**KNOBS, "k1": 7.0, "k2": 0.0}, measure_gradients=True)
    assert means(fresh.sums.names, fresh.sums.read())["class_gradient"] == pytest.approx(expected, rel=1e-3)


def test_each_head_has_its_own_learning_rate(fresh, batch):
    groups = {
        "learning_rate": [*common_variables(fresh.model), *class_head_variables(fresh.model)],
        "adv_learning_rate": adversarial_head_variables(fresh.model),
    }
    for still in groups:
        before = {name: [v.numpy() for v in variables] for name, variables in groups.items()}
        fresh.train(batch, {**KNOBS, still: 0.0})
        for name, variables in groups.items():
            changed = any(not np.array_equal(old, v.numpy()) for old, v in zip(before[name], variables, strict=True))
            assert changed == (name != still)


def test_no_step_is_traced_twice(fresh, monkeypatch):
    """Batches of many, few and no filled cells, measured or not, and validation batches of any number of taus."""
    sizes = set()
    for seed, filled in enumerate((4.0, 1.0, 8.0, 0.0)):
        monkeypatch.setitem(network_batches.N_FILLED, "inner", filled)
        batch = paired_batch(NETWORK, N_CLASS, N_ADV, seed=seed)
        sizes.add(len(batch["inner_index"]))
        fresh.train(batch, KNOBS)
        fresh.train(batch, KNOBS, measure_gradients=True)
        part = paired_batch(NETWORK, 3 + seed, 1 + seed, seed=seed)
        fresh.validate_class(part)
        fresh.validate_adversarial(part)
    assert len(sizes) == 4
    counts = {name: function.experimental_get_tracing_count() for name, function in fresh._functions.items()}
    assert counts == {"step": 1, "measured step": 1, "class": 1, "adversarial": 1}


def test_validation_does_not_depend_on_the_batches(fresh, batch):
    results = []
    rows = {name: value for name, value in batch.items() if name in ("tau", "y", "weight", "y_adv", "weight_adv")}
    for parts in ([(0, 14)], [(0, 4), (4, 14)]):
        fresh.validation_sums.take()
        for start, stop in parts:
            part = {name: value[start:stop] for name, value in rows.items()}
            inside = (batch["inner_index"][:, 0] >= start) & (batch["inner_index"][:, 0] < stop)
            part["inner_index"] = batch["inner_index"][inside] - [start, 0, 0]
            part["inner_cells"] = batch["inner_cells"][inside]
            fresh.validate_class(part)
            fresh.validate_adversarial(part)
        results.append(means(fresh.validation_sums.names, fresh.validation_sums.read()))
    assert results[0] == pytest.approx(results[1], rel=1e-5)
    assert set(results[0]) >= {"loss", "accuracy", "adv_loss", "adv_accuracy"}
