"""From settings to a finished run, of any tagger and by any method."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from TauAdv.commands import resume_line
from TauAdv.config import Settings, dump_settings
from TauAdv.io.leftovers import remove_leftovers
from TauAdv.io.manifests.manifest import versions
from TauAdv.runs import Run, find_run, lock_run, reopened, start_run
from TauAdv.runs.layout import CHECKPOINTS, CONFIGURATION, MODEL, PRETRAINED, STEP_METRICS
from TauAdv.training.devices.devices import ONE_DEVICE, Devices, open_devices, require_devices
from TauAdv.training.devices.worker_run import shared_run
from TauAdv.training.diagnosis.nan_report import require_finite_weights
from TauAdv.training.diagnosis.system_metrics import SYSTEM_PREFIX
from TauAdv.training.run import checkpoints
from TauAdv.training.run.checkpoints import State
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.run.loop import Loop, require_stopping_metric
from TauAdv.training.run.plan import plan_lines
from TauAdv.training.run.preflight import require_inputs
from TauAdv.training.run.pretrained import Pretrained, find_pretrained, freeze_statistics, network_of, start_from
from TauAdv.training.run.progress import say
from TauAdv.training.run.record import (
    announcement,
    record_inputs,
    require_same_inputs,
    require_same_pretrained,
    save_model,
    stored_network,
)
from TauAdv.training.run.shared import Shared
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.of_run import comparable, resolved
from TauAdv.training.step.trainer import Trainer

__all__ = ["train"]


@dataclass(frozen=True)
class _Start:
    """Where a training starts: from a pretrained model, from a checkpoint, or (neither) from scratch."""

    network: Settings
    pretrained: Pretrained | None
    checkpoint: Path | None


def train(
    settings: TrainingSettings, *, resume: str | None = None, dry_run: bool = False, shared: Shared | None = None
) -> str | None:
    """Train, and return the identifier of the run (``None`` after a dry run).

    Args:
        settings: what to train, on what.
        resume: identifier of a run to resume, instead of a new one.
        dry_run: only check, and say what would be done.
        shared: what this training shares with others of this process.

    Raises:
        ConfigError: if the network or the metric of early stopping is not known, or the devices are not as asked for.
        InputError: if inputs, pretrained model or the run to resume do not fit.
        OutputLockedError: if another process trains the run to resume.
        WorkerLostError: if another worker of the training ended.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    settings, shared = resolved(settings), shared or Shared()
    if dry_run:
        require_devices(settings.schedule.devices)
        return _train(settings, resume, ONE_DEVICE, shared, dry_run=True)
    # first of all: an error below also ends the workers that wait for this one
    devices = open_devices(settings.schedule.devices)
    with devices.watched(lambda: "no step was done"):
        return _train(settings, resume, devices, shared, dry_run=False)


def _train(settings: TrainingSettings, resume: str | None, devices: Devices, shared: Shared, *, dry_run: bool) -> str | None:
    if resume is None:
        return _train_run(settings, None, devices, shared, dry_run=dry_run)
    with _resumable(settings, resume, alone=devices.is_chief and not dry_run) as before:
        return _train_run(settings, before, devices, shared, dry_run=dry_run)


@contextmanager
def _resumable(settings: TrainingSettings, run_id: str, *, alone: bool) -> Iterator[Run]:
    """Yield the run to resume; ``alone``: no other process trains it from here on, its checkpoints stay as they are."""
    if not alone:
        yield find_run(settings.output.mlruns, run_id)
        return
    with lock_run(settings.output.mlruns, run_id) as run:
        yield run


def _train_run(
    settings: TrainingSettings, before: Run | None, devices: Devices, shared: Shared, *, dry_run: bool
) -> str | None:
    """Train a new run, or one from ``before``."""
    require_inputs(settings, resumed=before is not None)
    inputs = shared.inputs(settings)
    start = _new_start(settings, inputs) if before is None else _resumed_start(settings, inputs, before)
    if devices.share is not None:
        devices.share.require_divisible(**inputs.batch_sizes)
    with devices.scope():
        network_type = settings.spec.model_type()
        build = network_type.adversarial if settings.needs_head else network_type.classifier
        model = build(start.network, dtype=settings.model.precision, seed=settings.seed)
    if settings.model.keeps_statistics:
        freeze_statistics(model)
    trainer, is_new = shared.trainer(model, settings, devices, settings.spec.constraints(inputs.table))
    require_stopping_metric(trainer, inputs)
    report = _copy(start, trainer, settings)
    if devices.is_chief:
        described = (*announcement(inputs, model), *devices.lines()) if is_new else ()
        for line in (*described, *report):
            say(line)
    if dry_run:
        for line in plan_lines(model, inputs):
            say(line)
        say(f"settings:\n{dump_settings(settings)}dry run: nothing was written")
        return None
    with shared_run(devices, _opened(settings, before, shared)) as run:
        if before is None and devices.is_chief:
            record_inputs(run, inputs, start.network, start.pretrained.file if start.pretrained else None)
        if before is not None and devices.is_chief:
            for folder in (Path(MODEL).parent, CHECKPOINTS, CONFIGURATION):
                remove_leftovers(run.artifacts / folder)
        if report:
            run.log_text("\n".join(report) + "\n", PRETRAINED)
        if devices.is_chief:
            say(f"run {run.id} ({run.name}), artifacts in {run.artifacts}")
        with devices.watched(lambda: _how_to_resume(run, settings)):
            _run(run, trainer, inputs, start)
    return run.id


def _new_start(settings: TrainingSettings, inputs: Inputs) -> _Start:
    pretrained = find_pretrained(settings, inputs)
    return _Start(network_of(settings, inputs, pretrained), pretrained, None)


def _resumed_start(settings: TrainingSettings, inputs: Inputs, run: Run) -> _Start:
    require_same_inputs(run, inputs)
    checkpoint = checkpoints.usable_checkpoint(run.artifacts / CHECKPOINTS)
    pretrained = None if checkpoint else find_pretrained(settings, inputs)
    if pretrained is not None:
        require_same_pretrained(run, pretrained.file)
    return _Start(settings.spec.load_network(stored_network(run)), pretrained, checkpoint)


def _copy(start: _Start, trainer: Trainer, settings: TrainingSettings) -> list[str]:
    """Copy from the pretrained model and return what to say about it."""
    if start.pretrained is None:
        return [] if start.checkpoint is not None else [_new_network(settings)]
    report, missing = start_from(start.pretrained, trainer, with_optimizer=settings.model.use_previous_opt)
    lines = [f"pretrained model: {start.pretrained.title}", *(f"  {line}" for line in str(report).splitlines())]
    if settings.model.use_previous_opt:
        lines.append(f"  state of the optimiser copied; starting afresh: {', '.join(missing) or 'nothing'}")
    return lines


def _new_network(settings: TrainingSettings) -> str:
    way = "model.pretrained.run_id or model.pretrained.file starts from a trained network"
    if settings.reads_domains:
        return f"no pretrained network is given: this training starts from random weights; {way}, as a fine-tuning should"
    return f"a new network, its weights are drawn at random ({way})"


def _resumption(state: State, inputs: Inputs) -> str:
    """Return what a resumed training has before it."""
    schedule, steps = inputs.settings.schedule, inputs.n_steps
    rule, n_epochs = schedule.early_stopping, schedule.n_epochs
    if state.step >= steps:
        epochs = -(-state.step * n_epochs // steps)  # more than n_epochs if fewer are asked for now
        more = f"a larger schedule.n_epochs than {epochs} continues it, such as schedule.n_epochs={2 * epochs}"
        return f"finished: all {state.step:,} steps of {epochs} epoch{'' if epochs == 1 else 's'} are done; {more}"
    if rule is not None and rule.is_over(state.epoch, state.best_epoch):
        return (
            f"stopped early after step {state.step:,} of {steps:,}: no better {rule.metric} since epoch {state.best_epoch}; "
            f"a larger schedule.early_stopping.patience than {rule.patience} continues it"
        )
    return f"resuming after step {state.step:,} of {steps:,}"


def _opened(settings: TrainingSettings, before: Run | None, shared: Shared) -> AbstractContextManager[Run]:
    if before is not None:
        return reopened(before)
    output = settings.output
    return start_run(output.mlruns, output.experiment, output.run_name, {**settings.tags, **shared.tags})


def _how_to_resume(run: Run, settings: TrainingSettings) -> str:
    """Return what a run keeps of its training so far, and the command that resumes it."""
    checkpoint = checkpoints.latest_checkpoint(run.artifacts / CHECKPOINTS)
    kept = f"the state up to {checkpoint} is saved" if checkpoint else "no checkpoint was made yet"
    return f"{kept}; resume it, on all workers, with: {resume_line(settings.command, run.id, run.mlpath)}"


def _restore(trainer: Trainer, inputs: Inputs, start: _Start) -> State | None:
    """Put the state of the checkpoint into place, and make sure that all workers start from the same."""
    state, devices = None, trainer.devices
    if start.checkpoint is not None:
        state, window = checkpoints.restore(start.checkpoint, trainer.model, trainer.optimizers)
        trainer.sums.set(window)
        if devices.is_chief:
            say(_resumption(state, inputs))
            if state.n_replicas != devices.n_replicas:
                say(
                    f"  with {devices.n_replicas} devices instead of {state.n_replicas}: the same batches, but other random "
                    "numbers of dropout, so that the result is not bit for bit that of a run without interruption"
                )
    devices.require_same(
        {
            "settings": comparable(trainer.settings).encode(),
            "inputs": json.dumps([inputs.description(), start.network.model_dump(mode="json")]).encode(),
            "versions": json.dumps(versions()).encode(),
            "weights and state of the optimisers": checkpoints.content(trainer.model, trainer.optimizers, state),
        }
    )
    devices.spread_seeds(trainer.model)
    return state


def _run(run: Run, trainer: Trainer, inputs: Inputs, start: _Start) -> None:
    state = _restore(trainer, inputs, start)
    run.drop_metrics(state.step if state else -1, STEP_METRICS)
    run.drop_metrics(state.step if state else -1, SYSTEM_PREFIX)
    run.drop_metrics(state.epoch if state else -1, except_prefix=(STEP_METRICS, SYSTEM_PREFIX))
    try:
        state = Loop(trainer, inputs, run, state).run_to_end()
    except KeyboardInterrupt:
        if trainer.devices.is_chief:
            say(f"stopped; resume it with: {resume_line(trainer.settings.command, run.id, run.mlpath)}")
        raise
    if trainer.devices.is_chief:
        require_finite_weights(trainer.model, run, state.step)
        path = save_model(run, trainer.model_to_keep())
        say(f"model: {path}")
