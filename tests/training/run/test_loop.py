"""The loop: a training that is cut and resumed is the training that was not."""

import os
import signal

import numpy as np
import pytest
from training_classes import load_adversarial

from TauAdv.config import replaced
from TauAdv.errors import ConfigError, InputError
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.runs import start_run
from TauAdv.runs.layout import STEP_METRICS
from TauAdv.training.run import checkpoints
from TauAdv.training.run.checkpoints import State
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.loop import Loop, require_stopping_metric
from TauAdv.training.schedules.early_stopping import EarlyStopping
from TauAdv.training.step.trainer import Trainer

pytestmark = pytest.mark.slow

N_STEPS = 20


class Killed(BaseException):
    """What a kill looks like to the code: nothing runs after it."""


@pytest.fixture(scope="module")
def settings(resumable, data, tmp_path_factory):
    changes = {
        **resumable,
        "data.adv_validation_shards": data / "adv_val",
        "output.gradient_steps": 4,
        "output.checkpoint_steps": 2,
        "output.mlruns": tmp_path_factory.mktemp("loop") / "mlruns",
    }
    return load_adversarial(None, changes)


@pytest.fixture(scope="module")
def trainer(settings):
    """The trainer of all tests here (a step is traced once); dropout is on."""
    return Trainer(build_adversarial(load_network(settings.model.network), seed=1), settings)


def all_variables(trainer):
    found = dict(checkpoints.model_variables(trainer.model))
    for group, optimizer in trainer.optimizers.items():
        found |= {f"{group}: {name}": value for name, value in optimizer.state().items()}
    return found


def values_of(trainer):
    return {name: value.numpy() for name, value in all_variables(trainer).items()}


@pytest.fixture(scope="module")
def start(trainer):
    return values_of(trainer)


@pytest.fixture
def fresh(trainer, start):
    for name, value in all_variables(trainer).items():
        value.assign(start[name])
    trainer.sums.take()
    return trainer


@pytest.fixture(scope="module")
def uninterrupted(trainer, start, settings):
    """Variables and metrics after the whole training."""
    trainer.sums.take()
    with start_run(settings.output.mlruns, "whole") as run:
        Loop(trainer, open_inputs(settings), run).run_to_end()
    return values_of(trainer), history(run)


def history(run):
    names = [name for name in run.metrics if not name.endswith("taus_per_second") and not name.startswith("system/")]
    return {name: run.metric_history(name) for name in names}


def scramble(trainer):
    """Put other values into everything: what a new process may start with."""
    rng = np.random.default_rng(0)
    for value in all_variables(trainer).values():
        value.assign(rng.integers(1, 9, value.shape))
    trainer.sums.set(rng.random((len(trainer.sums.names), 2)))


def kill_after(monkeypatch, step):
    """Let the training die after the optimisers' update of a step, before it is counted."""
    real, calls = Trainer.train, iter(range(1, N_STEPS + 1))

    def train(self, *arguments, **options):
        real(self, *arguments, **options)
        if next(calls) == step:
            raise Killed

    monkeypatch.setattr(Trainer, "train", train)


def test_metrics_per_step_and_per_epoch(uninterrupted, settings):
    _, metrics = uninterrupted
    assert [step for step, _ in metrics["loss"]] == [1, 2, 3, 4]
    assert [step for step, _ in metrics[f"{STEP_METRICS}loss"]] == list(range(3, N_STEPS + 1, 3))
    assert {
        "val_adv_loss",
        "val_adv_accuracy",
        "adv_accuracy",
        "class_gradient",
        "adv_gradient",
        "accuracy",
        "Hcat_e",
    } <= set(metrics)
    assert "val_loss" not in metrics  # there is no validation set of classes
    expected = [2 * np.tanh(5 * step / N_STEPS) for step in range(2, N_STEPS, 3)]
    np.testing.assert_allclose([value for _, value in metrics[f"{STEP_METRICS}k2"]], expected)


@pytest.mark.parametrize("attempt", range(3))
def test_resumed_training_equals_the_uninterrupted_one(fresh, settings, uninterrupted, monkeypatch, attempt):
    killed_after = int(np.random.default_rng().integers(3, N_STEPS))  # any step must do: shown if one does not
    print(f"killed after step {killed_after}")
    variables, metrics = uninterrupted
    inputs = open_inputs(settings)
    with start_run(settings.output.mlruns, "cut") as run:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            kill_after(patch, killed_after)
            Loop(fresh, inputs, run).run_to_end()
        scramble(fresh)
        checkpoint = checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints")
        state, window = checkpoints.restore(checkpoint, fresh.model, fresh.optimizers)
        assert killed_after - 3 < state.step < killed_after
        fresh.sums.set(window)
        run.drop_metrics(state.step, STEP_METRICS)
        run.drop_metrics(state.epoch, except_prefix=STEP_METRICS)
        assert Loop(fresh, inputs, run, state).run_to_end().step == N_STEPS
    for name, value in values_of(fresh).items():
        np.testing.assert_array_equal(value, variables[name], err_msg=name)
    assert history(run) == metrics


def test_interruption_ends_after_a_step_with_a_checkpoint(fresh, settings, monkeypatch):
    real = Trainer.train

    def train(self, *arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        real(self, *arguments, **options)

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Trainer, "train", train)
    with pytest.raises(KeyboardInterrupt), start_run(settings.output.mlruns, "stopped") as run:
        Loop(fresh, open_inputs(settings), run, State(step=7, epoch=1)).run_to_end()
    assert checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints").name == "step_000000008"
    assert run.status == "KILLED"
    assert signal.getsignal(signal.SIGINT) is handler


def test_loss_that_is_not_finite_ends_the_run(fresh, settings):
    next(iter(fresh.model.get_layer("tau_dense_1").weights)).assign(np.full((43, 6), np.nan))
    with (
        pytest.raises(
            InputError,
            match=r"step 0 are not finite(.|\n)*weights: kernel of layer .tau_dense_1.(.|\n)*checkpoint: none yet",
        ),
        start_run(settings.output.mlruns, "nan") as run,
    ):
        Loop(fresh, open_inputs(settings), run).run_to_end()
    assert run.status == "FAILED"


def test_early_stopping_keeps_the_best_epoch(fresh, settings, monkeypatch):
    stopping = replaced(settings, {"schedule.early_stopping": EarlyStopping(metric="val_adv_loss", patience=2)})
    losses = iter([3.0, 1.0, 2.0, 2.5])
    seen = []

    def validate(self):
        seen.append({name: value.numpy() for name, value in checkpoints.model_variables(self.trainer.model).items()})
        return {"val_adv_loss": next(losses)}

    monkeypatch.setattr(Loop, "_validate", validate)
    with start_run(settings.output.mlruns, "early") as run:
        state = Loop(fresh, open_inputs(stopping), run).run_to_end()
    assert (state.epoch, state.best_epoch, state.best, state.stopped) == (4, 2, 1.0, True)
    for layer in fresh.model.layers:
        for i, weight in enumerate(layer.variables):
            if any(weight is own for own in layer.weights):
                np.testing.assert_array_equal(weight.numpy(), seen[1][f"{layer.name}/{i}"], err_msg=layer.name)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("val_adv_los", r"did you mean 'val_adv_loss'\?"),
        ("val_loss", "no metric 'val_loss'"),  # only the adversarial set has a validation part here
        ("val_adv_gradient", "no metric"),
    ],
)
def test_early_stopping_on_a_metric_that_there_is_not(trainer, settings, metric, message):
    changed = replaced(settings, {"schedule.early_stopping": EarlyStopping(metric=metric)})
    with pytest.raises(ConfigError, match=message):
        require_stopping_metric(trainer, open_inputs(changed))
    require_stopping_metric(trainer, open_inputs(settings))
