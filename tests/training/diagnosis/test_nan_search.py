"""The NaN guard: weights are kept as the step met them, and layer, cause and taus are named."""

import json
import re

import numpy as np
import pytest
from synthetic_shards import write_shards
from training_classes import load_adversarial, placed

from TauAdv.config import replaced
from TauAdv.errors import InputError
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.runs import start_run
from TauAdv.training.diagnosis import nan_search as diagnosis
from TauAdv.training.diagnosis.nan_search import diagnose
from TauAdv.training.run import checkpoints
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.loop import Loop, knobs_at
from TauAdv.training.step.trainer import Trainer

pytestmark = pytest.mark.slow

BAD_TAU, BAD_FEATURE, BAD_CELL = 71, 9, 7


@pytest.fixture(scope="module")
def bad_sets(tmp_path_factory):
    """Sets with one value that is not finite: in a feature of a tau, in a cell, in a weight."""
    folder = tmp_path_factory.mktemp("bad")

    def in_tau(taus, columns):
        taus.tau[BAD_TAU, BAD_FEATURE] = np.nan

    def in_cell(taus, columns):
        inner = taus.cells["inner"]
        inner.values[np.flatnonzero(inner.index[:, 0] == BAD_TAU)[0], BAD_CELL] = np.inf

    def in_weight(taus, columns):
        columns["weight"][BAD_TAU] = np.nan

    def large(taus, columns):
        taus.tau[BAD_TAU, BAD_FEATURE] = 1e38

    for change in (in_tau, in_cell, in_weight, large):
        write_shards(folder / change.__name__, "classification", 160, 1, change=change)
    return folder


@pytest.fixture(scope="module")
def trainer(data, tmp_path_factory):
    from functools import partial

    make = partial(load_adversarial, None)
    common = {
        "model.network": str(data / "network.yaml"),
        "output.mlruns": tmp_path_factory.mktemp("guard") / "mlruns",
        "data.n_tau": 32,
    }
    common |= {
        "data.adv_shards": data / "adv",
        "data.n_adv_tau": 20,
        "method.adv_parameter": [1, 2],
        "output.gradient_steps": 0,
    }
    settings = make({**common, "data.shards": data / "class", "schedule.n_epochs": 20})
    trainer = Trainer(build_adversarial(load_network(settings.model.network), seed=1), settings)
    return (
        trainer,
        {name: value.numpy() for name, value in variables(trainer).items()},
        lambda **more: make(placed({**common, **more})),
    )


def variables(trainer):
    found = dict(checkpoints.model_variables(trainer.model))
    for group, optimizer in trainer.optimizers.items():
        found |= {f"{group}: {name}": value for name, value in optimizer.state().items()}
    return found


@pytest.fixture
def fresh(trainer):
    trainer, start, settings = trainer
    for name, value in variables(trainer).items():
        value.assign(start[name])
    trainer.sums.take()
    return trainer, settings


def ended(trainer, settings, guard_steps=1):
    """Train until the guard ends it: message, report, run."""
    with pytest.raises(InputError) as caught, start_run(settings.output.mlruns, "guard") as run:
        loop = Loop(trainer, open_inputs(settings), run)
        loop._guard_steps = guard_steps
        loop.run_to_end()
    assert run.status == "FAILED"
    (file,) = (run.artifacts / "diagnosis").iterdir()
    return str(caught.value), json.loads(file.read_text()), run


def step_of_bad_tau(settings):
    inputs = open_inputs(settings)
    return next(step for step in range(inputs.n_steps) if BAD_TAU in inputs.rows(step)["training"])


@pytest.mark.parametrize("guard_steps", [1, 4])
def test_value_in_one_feature_of_one_tau(fresh, bad_sets, guard_steps):
    trainer, settings = fresh
    settings = settings(shards=bad_sets / "in_tau", n_epochs=3, checkpoint_steps=1, log_steps=50)
    message, report, run = ended(trainer, settings, guard_steps)
    step = step_of_bad_tau(settings)
    inputs = open_inputs(settings)
    feature = inputs.table.features("tau")[BAD_FEATURE].path
    assert f"step {step:,} are not finite" in message
    assert f"to blame: inputs: values that are not finite in 'tau' ({feature})" in message
    assert "first layer that is not finite: 'input_tau'" in message
    assert f"training row {BAD_TAU} (run 1, lumi {BAD_TAU // 100 + 1}, evt {BAD_TAU}" in message
    assert (report["step"], report["blame"], report["layer"]) == (step, "inputs", "input_tau")
    (row,) = report["rows"]
    assert (report["batch"][row]["set"], report["batch"][row]["row"]) == ("training", BAD_TAU)
    batch = inputs.source()(step)
    adversarial = inputs.sets["adversarial training"]
    stored = [tau["row"] for tau in report["batch"] if tau["set"] == "adversarial training"]
    np.testing.assert_array_equal(adversarial.take(stored)[0].tau, batch["tau"][32:])
    latest = checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints")
    if step:
        assert str(latest) in message
        assert latest.name == f"step_{step:09d}"
        assert all(np.isfinite(value).all() for value in np.load(latest / "variables.npz").values())
    else:
        assert "last good checkpoint: none yet" in message


def test_weights_are_those_that_the_step_met(fresh, bad_sets):
    trainer, settings = fresh
    settings = settings(shards=bad_sets / "in_tau", n_epochs=3)
    inputs, step = open_inputs(settings), step_of_bad_tau(settings)
    trainer.guard.start(0)
    for number, batch in enumerate(inputs.training(0).take(step + 3)):
        if number == step:
            before = {v.path: v.numpy() for v in trainer.model.trainable_variables}
            assert trainer.guard.first_broken_step() is None
        trainer.train(batch, knobs_at(settings, number, 5, 15))
    assert trainer.guard.first_broken_step() == step
    for variable in trainer.model.trainable_variables:
        np.testing.assert_array_equal(variable.numpy(), before[variable.path], err_msg=variable.path)


def test_value_in_a_cell(fresh, bad_sets):
    message, report, _ = ended(fresh[0], fresh[1](shards=bad_sets / "in_cell", n_epochs=3))
    assert re.search(r"to blame: inputs: values that are not finite in 'inner_cells' \(\w+/\w+\)", message)
    assert report["layer"] == "input_inner_all_objects"
    assert [report["batch"][row]["row"] for row in report["rows"]] == [BAD_TAU]


def test_weight_of_a_tau(fresh, bad_sets, monkeypatch):
    settings = fresh[1](shards=bad_sets / "in_weight", n_epochs=3)
    with pytest.raises(InputError, match="a weight that is not finite"):
        open_inputs(settings)
    monkeypatch.setattr("TauAdv.training.run.inputs.require_weights", lambda *arguments: None)  # one that is made later
    message, report, _ = ended(fresh[0], settings)
    assert "to blame: labels: values of 'weight'" in message
    assert report["layer"] is None
    assert [report["batch"][row]["row"] for row in report["rows"]] == [BAD_TAU]


def test_enormous_input_spoils_running_statistics(fresh, bad_sets):
    """The square of 1e38 is no float32: the variance is infinite, the normalised value 0, and every loss finite."""
    trainer, settings = fresh
    with (
        pytest.raises(InputError, match="moving_variance of layer 'tau_norm_1' is not finite, though all losses were"),
        start_run(settings(shards=bad_sets / "large").output.mlruns, "guard") as run,
    ):
        Loop(trainer, open_inputs(settings(shards=bad_sets / "large", n_epochs=3)), run).run_to_end()
    assert list((run.artifacts / "model_checkpoints").glob("*")) == []


def test_weights_that_the_last_update_threw_off(fresh, data):
    """One step, of finite losses and gradients, whose update is not: nothing may be kept of it."""
    trainer, settings = fresh
    settings = settings(shards=data / "class", n_epochs=1, n_batches=1)
    settings = replaced(settings, {"schedule.learning_rate": 3e38})  # more than a configuration may ask for
    with pytest.raises(InputError) as caught, start_run(settings.output.mlruns, "guard") as run:
        Loop(trainer, open_inputs(settings), run).run_to_end()
    message = str(caught.value)
    assert re.search(r"after 1 step \w+ of layer '\w+' is not finite, though all losses were: the last update", message)
    assert f"last good checkpoint: none yet (run {run.id})" in message
    assert list((run.artifacts / "model_checkpoints").glob("*")) == []
    assert run.status == "FAILED"


def test_validation_tau_that_is_not_finite(fresh, data, bad_sets):
    """The metric of early stopping is no number: that must not be the best epoch, and the tau is named."""
    trainer, settings = fresh
    stopping = {"metric": "val_loss", "patience": 2}
    settings = settings(
        shards=data / "class",
        validation_shards=bad_sets / "in_tau",
        n_epochs=3,
        n_batches=2,
        checkpoint_steps=1,
        early_stopping=stopping,
    )
    with pytest.raises(InputError) as caught, start_run(settings.output.mlruns, "guard") as run:
        loop = Loop(trainer, open_inputs(settings), run)
        loop.run_to_end()
    message = str(caught.value)
    assert re.search(r"metrics of epoch 1 are not finite: (\w+, )*val_loss", message)
    blamed = (
        f"validation set {bad_sets / 'in_tau'}: inputs or labels of 1 of its taus are not finite: validation row {BAD_TAU} "
    )
    assert f"{blamed}(run 1, lumi {BAD_TAU // 100 + 1}, evt {BAD_TAU}" in message
    assert str(checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints")) in message
    assert (loop.state.best, loop.state.best_epoch) == (None, 0)
    assert list((run.artifacts / "model_checkpoints").glob("epoch_*")) == []


@pytest.fixture(scope="module")
def head_trainer(trainer, data):
    """A trainer with further steps of the head, and what they met."""
    settings = trainer[2](shards=data / "class", adv_head_steps=3, n_epochs=3)
    return Trainer(build_adversarial(load_network(settings.model.network), seed=1), settings), settings


def train_steps(trainer, settings, shards, n_steps):
    """Do some steps; return the trainable weights before each of them and after the last."""
    settings = replaced(settings, {"data.shards": shards})
    trainer.guard.start(0)
    seen = []
    for number, batch in enumerate(open_inputs(settings).training(0).take(n_steps)):
        seen.append({v.path: v.numpy() for v in trainer.model.trainable_variables})
        trainer.train(batch, knobs_at(settings, number, 5, 15))
    return [*seen, {v.path: v.numpy() for v in trainer.model.trainable_variables}]


def test_further_steps_of_the_head_are_spared(head_trainer, bad_sets):
    trainer, settings = head_trainer
    step = step_of_bad_tau(replaced(settings, {"data.shards": bad_sets / "in_tau"}))
    seen = train_steps(trainer, settings, bad_sets / "in_tau", step + 2)
    assert trainer.guard.first_broken_step() == step
    for name, value in seen[step].items():
        np.testing.assert_array_equal(seen[-1][name], value, err_msg=name)


def test_further_steps_of_the_head_are_watched(trainer, data, monkeypatch):
    """Only their gradients are not finite, from one step on: it is noticed, and no weight follows them."""
    import tensorflow as tf

    from TauAdv.training.step import head_steps as steps

    broken, real = 2, steps.head_gradients
    settings = trainer[2](shards=data / "class", adv_head_steps=2, n_epochs=3)
    other = Trainer(build_adversarial(load_network(settings.model.network), seed=1), settings)

    def gradients(*arguments):
        factor = tf.where(other.guard.step > broken, np.nan, 1.0)  # the step was counted when its joint part was checked
        return [gradient * tf.cast(factor, gradient.dtype) for gradient in real(*arguments)]

    monkeypatch.setattr(steps, "head_gradients", gradients)
    seen = train_steps(other, settings, data / "class", broken + 3)
    assert other.guard.first_broken_step() == broken
    assert any(np.any(seen[broken][name] != seen[broken - 1][name]) for name in seen[0])
    for name, value in seen[broken + 1].items():
        assert np.isfinite(value).all(), name
        np.testing.assert_array_equal(seen[-1][name], value, err_msg=name)


def test_learning_rate_that_explodes(fresh, data):
    message, report, run = ended(
        fresh[0], fresh[1](shards=data / "class", n_epochs=3, learning_rate=1e30, checkpoint_steps=1)
    )
    assert report["step"] == 1  # the first update already throws the weights far off
    assert "to blame: weights: weights too large" in message
    assert "lower the learning rates" in message
    weights = np.load(checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints") / "variables.npz")
    assert max(np.abs(weights[name]).max() for name in weights.files if name.startswith("model/tau_dense")) > 1e29
    assert report["layer"] == first_layer_by_hand(fresh[0], report)


def first_layer_by_hand(trainer, report):
    """Follow the forward order one layer at a time, outside of the library's function."""
    import keras

    batch = open_inputs(trainer.settings).source()(report["step"])
    inputs = {name: batch[name] for name in trainer.model.input}
    for layer in trainer.model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        output = keras.Model(trainer.model.input, layer.output)(inputs, training=True)
        if not np.isfinite(output.numpy()).all():
            return layer.name
    return None


@pytest.mark.parametrize("layer", ["inner_all_conv_1", "final_dense_1", "final_dense_adv"])
def test_weights_that_are_not_finite(fresh, data, layer):
    trainer, settings = fresh
    kernel = trainer.model.get_layer(layer).kernel
    value = kernel.numpy()
    value.ravel()[0] = np.nan
    kernel.assign(value)
    message, report, _ = ended(trainer, settings(shards=data / "class"))
    assert f"to blame: weights: kernel of layer '{layer}'" in message
    assert (report["layer"], report["step"]) == (layer, 0)


def test_loss_and_gradients(fresh, data, monkeypatch):
    """A loss that is not finite, and one whose gradient is not, are told apart; scores are finite in both."""
    import tensorflow as tf

    trainer, settings = fresh
    settings = settings(shards=data / "class")
    inputs, knobs = open_inputs(settings), knobs_at(settings, 0, 5, 5)

    def loss_is(loss):
        monkeypatch.setattr(trainer.methods[0], "loss", loss)
        monkeypatch.setattr("TauAdv.models.deeptau.losses.adversarial_crossentropy", loss)  # of the repeated step

    loss_is(lambda labels, scores: tf.math.log(labels[:, 0] - 1))
    found = diagnose(trainer, inputs, 0, knobs, 1)
    assert (found.blame, found.layer) == ("loss", None)
    assert "adversarial loss" in found.text
    loss_is(lambda labels, scores: tf.sqrt(scores[:, 0] - scores[:, 0]))
    found = diagnose(trainer, inputs, 0, knobs, 1)
    assert (found.blame, found.layer) == ("gradients", "final_dense_adv")
    monkeypatch.undo()
    assert diagnose(trainer, inputs, 0, knobs, 1).blame == "unknown"


def test_step_is_repeated_with_its_random_numbers(fresh, data):
    trainer, settings = fresh
    settings = settings(shards=data / "class")
    inputs = open_inputs(settings)
    before = diagnosis._outputs(diagnosis._before(trainer.model, 0, 1), inputs.source()(0))
    for number, batch in enumerate(inputs.training(0).take(3)):
        trainer.train(batch, {**knobs_at(settings, number, 5, 5), "learning_rate": 0.0, "adv_learning_rate": 0.0})
    after = diagnosis._outputs(diagnosis._before(trainer.model, 0, 3), inputs.source()(0))
    later = diagnosis._outputs(diagnosis._before(trainer.model, 1, 3), inputs.source()(0))
    np.testing.assert_array_equal(after["main_output"], before["main_output"])
    assert np.any(later["main_output"] != before["main_output"])  # dropout is at work
