"""The training loop: one for classifiers and adversarial models, exactly resumable."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.covariance import clear_errors
from TauAdv.errors import ConfigError, nearest
from TauAdv.models.loading import load_tagger
from TauAdv.models.transfer import copy_weights_by_name
from TauAdv.runs import Run
from TauAdv.runs.layout import CHECKPOINTS, STEP_METRICS, epoch_file
from TauAdv.training.diagnosis.nan_report import not_finite, require_finite_metrics, require_finite_weights
from TauAdv.training.diagnosis.system_metrics import SystemMetrics
from TauAdv.training.diagnosis.tensorboard import EventLog
from TauAdv.training.run import checkpoints
from TauAdv.training.run.checkpoints import State
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.run.progress import EpochBar, say
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.step.attacked_batches import STRENGTH
from TauAdv.training.step.averaged_weights import averaged, keep_average
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

__all__ = ["Loop", "knobs_at", "require_stopping_metric"]

_GUARD_STEPS_ON_GPU = 20


def knobs_at(settings: TrainingSettings, step: int, steps_per_epoch: int, n_steps: int) -> dict[str, float]:
    """Return what changes from step to step: learning rates, the share of eps of an attack that warms up, and of methods."""
    schedule = settings.schedule
    rate = schedule.learning_rate_schedule.factor(step, steps_per_epoch, n_steps)
    knobs = {"learning_rate": schedule.learning_rate * rate}
    attack = settings.acting_attack
    if attack is not None and attack.warmup_epochs:
        knobs[STRENGTH] = min(1.0, (step + 1) / (attack.warmup_epochs * steps_per_epoch))
    for method in settings.methods:
        knobs |= method.knobs(step, n_steps, rate)
    return knobs


def require_stopping_metric(trainer: Trainer, inputs: Inputs) -> None:
    """Check that there will be the metric of early stopping after every epoch.

    Raises:
        ConfigError: if not; lists those that there are.
    """
    rule = inputs.settings.schedule.early_stopping
    if rule is None:
        return
    names = [name for name in trainer.sums.names if inputs.settings.output.gradient_steps or not name.endswith("_gradient")]
    of_domains = {f"val_{name}" for name in trainer.domain_metrics}
    for role, is_of_domains in (("validation", False), ("adversarial validation", True)):
        if role in inputs.sets:
            names += [name for name in trainer.validation.names if (name in of_domains) == is_of_domains]
    if "validation" in inputs.sets and trainer.attacked_validation is not None:
        names += trainer.attacked_validation.names
    if rule.metric not in names:
        known = f"{nearest(rule.metric, names)}; there are {', '.join(names)}"
        msg = f"schedule.early_stopping.metric: no metric '{rule.metric}'{known}"
        raise ConfigError(msg)


class Loop:
    """Runs a training from a state to its end.

    Args:
        trainer: model, optimisers and steps.
        inputs: batches.
        run: where metrics and checkpoints go.
        state: where to start; a fresh one by default.
    """

    def __init__(self, trainer: Trainer, inputs: Inputs, run: Run, state: State | None = None) -> None:
        self.trainer, self.inputs, self.run = trainer, inputs, run
        self.settings = inputs.settings
        self.schedule, self.output = self.settings.schedule, self.settings.output
        self.state = state or State()
        self.devices = trainer.devices
        self.state.n_replicas = self.devices.n_replicas
        self.state.stopped = self._is_over()  # a resumed training may have been given more patience
        self.folder = run.artifacts / CHECKPOINTS
        self.steps_per_epoch = inputs.steps_per_epoch
        self._epoch_sums = np.array(self.state.epoch_sums or np.zeros((len(trainer.sums.names), 2)))
        self._started = time.monotonic() - self.state.seconds
        self._checkpointed_at = time.monotonic()
        self._logged = (self.state.step, time.monotonic())
        # to look at every step costs nothing where the host waits for the step anyway
        self._guard_steps = _GUARD_STEPS_ON_GPU if tf.config.list_physical_devices("GPU") else 1
        trainer.guard.start(self.state.step)
        writes = self.devices.is_chief
        self._system = SystemMetrics() if self.output.system_metrics and writes else None
        self._events = EventLog(run.artifacts / "tensorboard") if self.output.tensorboard and writes else None

    def run_to_end(self) -> State:
        """Train until the last epoch or early stopping; return the state.

        Raises:
            KeyboardInterrupt: on the first Ctrl-C or SIGTERM, after the present step and a checkpoint.
            InputError: if losses, gradients, weights or metrics are not finite any more; says where, why, in which taus.
        """
        if self._goes_on():
            batches = iter(self.inputs.training(self.state.step, self.devices.share))
            with _interruptions() as interrupted:
                while self._goes_on():
                    self._epoch(batches, interrupted)
        self._restore_best()
        return self.state

    def _goes_on(self) -> bool:
        return self.state.step < self.inputs.n_steps and not self.state.stopped

    def _epoch(self, batches: Iterator[Any], interrupted: threading.Event) -> None:
        rows = self.trainer.rows
        done = self.state.step % self.steps_per_epoch
        title = f"epoch {self.state.epoch + 1}/{self.schedule.n_epochs}"
        with EpochBar(
            title,
            self.steps_per_epoch * rows,
            done * rows,
            self._present,
            shown=self.devices.is_chief,
            unit=self.inputs.rows_name[:-1],
        ) as bar:
            for _ in range(done, self.steps_per_epoch):
                timed = self._step(next(batches))
                bar.update(rows, timed=timed)
                if self.devices.any_worker(interrupted.is_set()):
                    break
                if self._checkpoint_is_due():
                    self.checkpoint()
                    self._logged = (self.state.step, time.monotonic())
        if self.state.step % self.steps_per_epoch == 0:
            self._end_epoch()
        if self.devices.any_worker(interrupted.is_set()):
            self.checkpoint()
            raise KeyboardInterrupt

    def _step(self, batch: Any) -> bool:
        """Do one step; return whether the time it took is that of every other: the first of its kind is traced."""
        knobs = knobs_at(self.settings, self.state.step, self.steps_per_epoch, self.inputs.n_steps)
        every = self.output.gradient_steps
        measured = every > 0 and self.state.step % every == 0
        timed = self.trainer.is_traced(measure_gradients=measured)
        with clear_errors(f"training, step {self.state.step + 1}"):
            self.trainer.train(batch, knobs, measure_gradients=measured)
        self.state.step += 1
        if not timed:
            self._logged = (self.state.step, time.monotonic())
        if self.state.step % self._guard_steps == 0:
            self._require_finite()
        if self.state.step % self.output.log_steps == 0:
            self._log_window(knobs)
        return timed

    def _log_window(self, knobs: dict[str, float]) -> None:
        """Log the means since the last time, and move the sums on to the epoch's."""
        self._require_finite()
        window = self.trainer.sums.take()
        self._epoch_sums += window
        values = means(self.trainer.sums.names, window)
        values = {name: value for name, value in values.items() if name in self.trainer.metrics}
        step, now = self._logged
        self._logged = (self.state.step, time.monotonic())
        rows = (self.state.step - step) * self.trainer.rows
        values |= knobs
        if rows:  # none since the last tracing
            values[f"{self.inputs.rows_name}_per_second"] = rows / max(self._logged[1] - now, 1e-9)
        self._log({STEP_METRICS + name: value for name, value in values.items()}, self.state.step)
        if self._system is not None and (sampled := self._system.sample()):
            self._log(sampled, self.state.step)

    def _log(self, metrics: dict[str, float], step: int) -> None:
        self.run.log_metrics(metrics, step)
        if self._events is not None:
            self._events.add(metrics, step)

    def _flush(self) -> None:
        self.run.flush()
        if self._events is not None:
            self._events.flush()

    def _present(self) -> dict[str, float]:
        return means(self.trainer.sums.names, self._epoch_sums + self.trainer.sums.read())

    def _end_epoch(self) -> None:
        self._require_finite()
        require_finite_weights(self.trainer.model, self.run, self.state.step)
        self._epoch_sums += self.trainer.sums.take()
        values = means(self.trainer.sums.names, self._epoch_sums)
        self._epoch_sums[:] = 0
        self.state.epoch += 1
        with averaged(self.trainer.optimizers["optimizer"]):
            values |= self._validate()
            require_finite_metrics(values, self.trainer, self.inputs, self.run, self.state.epoch)
            require_finite_weights(self.trainer.model, self.run, self.state.step)  # the averages, if there are any
            self._log(values, self.state.epoch)
            self._flush()
            if self.devices.is_chief:
                with self.run.new_file(epoch_file(self.state.epoch), checked=True) as temporary:
                    self.trainer.model_to_keep().save(temporary)
        self._judge(values)
        self.checkpoint()
        self._logged = (self.state.step, time.monotonic())  # the rate of the steps is not that of validation and saving
        minutes = (time.monotonic() - self._started) / 60
        summary = [
            name for metric in ("loss", "accuracy", *self.trainer.method_metrics) for name in (metric, f"val_{metric}")
        ]
        shown = [f"{name} {values[name]:.4f}" for name in summary if name in values]
        if self.devices.is_chief:
            say(f"epoch {self.state.epoch}/{self.schedule.n_epochs}: {', '.join(shown)} ({minutes:.1f} min)")

    def _validate(self) -> dict[str, float]:
        """Return the metrics of the validation; workers take turns with its batches."""
        every = (self.devices.worker, self.devices.workers)
        looks = [self.trainer.validation]
        attacked = self.trainer.attacked_validation
        if attacked is not None and self.state.epoch % self.settings.data.validation_attack_epochs == 0:
            looks.append(attacked)
        for look in looks:
            look.start()
        for number, batch in enumerate(self.inputs.validation("validation", every) or ()):
            self.trainer.validate_class(batch)
            if attacked in looks:
                with clear_errors(f"validation under attack, batch {every[0] + number * every[1] + 1}"):
                    self.trainer.validate_attacked(batch, every[0] + number * every[1])
        for batch in self.inputs.validation("adversarial validation", every) or ():
            self.trainer.validate_adversarial(batch)
        return {name: value for look in looks for name, value in look.values(self.devices.total).items()}

    def _judge(self, values: dict[str, float]) -> None:
        """Keep the best epoch in mind, and stop if it is too long ago."""
        rule = self.schedule.early_stopping
        if rule is None:
            return
        value = -values[rule.metric] if rule.larger_is_better else values[rule.metric]
        if self.state.best is None or value < self.state.best - rule.min_delta:
            self.state.best, self.state.best_epoch = value, self.state.epoch
        self.state.stopped = self._is_over()

    def _is_over(self) -> bool:
        rule = self.schedule.early_stopping
        return rule is not None and rule.is_over(self.state.epoch, self.state.best_epoch)

    def _restore_best(self) -> None:
        rule = self.schedule.early_stopping
        if rule is None or not rule.restore_best or self.state.best_epoch in (0, self.state.epoch):
            keep_average(self.trainer.optimizers["optimizer"])
            return
        best: Any = load_tagger(self.run.artifacts / epoch_file(self.state.best_epoch))
        copy_weights_by_name(best, self.trainer.model)
        if self.devices.is_chief:
            say(f"weights of epoch {self.state.best_epoch}, the best by {rule.metric}, restored")

    def checkpoint(self) -> None:
        """Write a checkpoint of the present step, on the chief.

        Raises:
            InputError: as :meth:`run_to_end`; a checkpoint is always one of finite steps and finite weights.
        """
        self._require_finite()
        require_finite_weights(self.trainer.model, self.run, self.state.step)
        self._flush()
        self.state.seconds = time.monotonic() - self._started
        self.state.epoch_sums = self._epoch_sums.tolist()
        self._checkpointed_at = time.monotonic()
        if self.devices.is_chief:
            window = self.trainer.sums.read()
            checkpoints.save(self.folder, self.trainer.model, self.trainer.optimizers, window, self.state)

    def _checkpoint_is_due(self) -> bool:
        if self.state.step % self.steps_per_epoch == 0:
            return False  # the end of the epoch makes one
        every = self.output.checkpoint_steps
        if every is not None and self.state.step % every == 0:
            return True
        return time.monotonic() - self._checkpointed_at > 3600 * self.output.checkpoint_hours

    def _require_finite(self) -> None:
        step = self.trainer.guard.first_broken_step()
        if step is not None:
            knobs = knobs_at(self.settings, step, self.steps_per_epoch, self.inputs.n_steps)
            raise not_finite(self.trainer, self.inputs, self.run, step, knobs, self.state.step)


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that no step is left half done; the second one acts at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def note(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()
        say("\nstopping after this step ...")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
