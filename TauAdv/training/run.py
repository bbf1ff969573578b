"""From settings to a finished run: what training a classifier and an adversarial model have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TauAdv.config import dump_settings
from TauAdv.models.settings import NetworkSettings, load_network
from TauAdv.models.tagger import TauTagger
from TauAdv.tracking import Run, find_run, resume_run, start_run
from TauAdv.training import checkpoints
from TauAdv.training.inputs import Inputs, open_inputs
from TauAdv.training.loop import STEP_PREFIX, Loop, require_stopping_metric
from TauAdv.training.pretrained import Pretrained, find_pretrained, freeze_statistics, network_of, start_from
from TauAdv.training.progress import say
from TauAdv.training.record import announcement, record_inputs, require_same_inputs, save_model, stored_network
from TauAdv.training.settings import TrainingSettings, resolved
from TauAdv.training.steps import Trainer

__all__ = ["Kind", "train"]


@dataclass(frozen=True)
class Kind:
    """What distinguishes one kind of training from another.

    Attributes:
        name: of the kind, a tag of its runs.
        script: that trains and resumes it.
        build: (network, dtype, seed) -> model.
        trainer: (model, settings) -> trainer.
    """

    name: str
    script: str
    build: Callable[..., TauTagger]
    trainer: Callable[[TauTagger, Any], Trainer]


@dataclass(frozen=True)
class _Start:
    """Where a training starts: from a pretrained model, from a checkpoint, or (neither) from scratch."""

    network: NetworkSettings
    pretrained: Pretrained | None
    checkpoint: Path | None


def train(settings: TrainingSettings, kind: Kind, *, resume: str | None = None, dry_run: bool = False) -> str | None:
    """Train, and return the identifier of the run (``None`` after a dry run).

    Args:
        settings: what to train, on what.
        kind: classifier or adversarial model.
        resume: identifier of a run to go on with, instead of a new one.
        dry_run: only check, and say what would be done.

    Raises:
        ConfigError: if the network or the metric of early stopping is not known.
        InputError: if inputs, pretrained model or the run to resume do not fit.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    settings = resolved(settings)
    inputs = open_inputs(settings)
    start = _new_start(settings, inputs) if resume is None else _resumed_start(settings, inputs, resume)
    model = kind.build(start.network, dtype=settings.precision, seed=settings.seed)
    if settings.batch_norm == "frozen":
        freeze_statistics(model)
    trainer = kind.trainer(model, settings)
    require_stopping_metric(trainer, inputs)
    report = _copy(start, trainer, settings)
    for line in (*announcement(settings, inputs, model), *report):
        say(line)
    if dry_run:
        say(f"settings:\n{dump_settings(settings)}dry run: nothing was written")
        return None
    with _opened(settings, kind, resume) as run:
        if resume is None:
            record_inputs(run, settings, inputs, start.network)
        if report:
            run.log_text("\n".join(report) + "\n", "input_cfg/pretrained.txt")
        say(f"run {run.id} ({run.name}), artifacts in {run.artifacts}")
        _run(run, trainer, inputs, start, kind)
    return run.id


def _new_start(settings: TrainingSettings, inputs: Inputs) -> _Start:
    pretrained = find_pretrained(settings, inputs)
    return _Start(network_of(settings, inputs, pretrained), pretrained, None)


def _resumed_start(settings: TrainingSettings, inputs: Inputs, run_id: str) -> _Start:
    run = find_run(settings.mlruns, run_id)
    require_same_inputs(run, inputs)
    checkpoint = checkpoints.latest_checkpoint(run.artifacts / "model_checkpoints")
    pretrained = None if checkpoint else find_pretrained(settings, inputs)
    return _Start(load_network(stored_network(run)), pretrained, checkpoint)


def _copy(start: _Start, trainer: Trainer, settings: TrainingSettings) -> list[str]:
    """Copy from the pretrained model and return what to say about it."""
    if start.pretrained is None:
        from_checkpoint = start.checkpoint is not None
        return [] if from_checkpoint else ["no pretrained model: the weights start at RANDOM (pretrained.run_id or .file)"]
    report, missing = start_from(start.pretrained, trainer, with_optimizer=settings.use_previous_opt)
    lines = [f"pretrained model: {start.pretrained.title}", *(f"  {line}" for line in str(report).splitlines())]
    if settings.use_previous_opt:
        lines.append(f"  state of the optimiser copied; starting afresh: {', '.join(missing) or 'nothing'}")
    return lines


def _opened(settings: TrainingSettings, kind: Kind, resume: str | None) -> AbstractContextManager[Run]:
    if resume is not None:
        return resume_run(settings.mlruns, resume)
    return start_run(settings.mlruns, settings.experiment, settings.run_name, {"kind": kind.name})


def _run(run: Run, trainer: Trainer, inputs: Inputs, start: _Start, kind: Kind) -> None:
    state = None
    if start.checkpoint is not None:
        state, window = checkpoints.restore(start.checkpoint, trainer.model, trainer.optimizers)
        trainer.sums.set(window)
        say(f"resuming after step {state.step:,} of {inputs.n_steps:,}")
    run.drop_metrics(state.step if state else -1, STEP_PREFIX)
    run.drop_metrics(state.epoch if state else -1, except_prefix=STEP_PREFIX)
    try:
        Loop(trainer, inputs, run, state).run_to_end()
    except KeyboardInterrupt:
        say(f"stopped; go on with: python {kind.script} --resume {run.id} --mlpath {run.mlpath}")
        raise
    path = save_model(run, trainer.model)
    say(f"model: {path}")
