"""A sweep: several trainings one after the other, by one process, under one run that compares them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from tqdm import tqdm

from TauAdv.batch.job import job_tags
from TauAdv.commands import resume_line
from TauAdv.config import replaced
from TauAdv.errors import ConfigError, TauAdvError
from TauAdv.runs import Run, has_runs, list_runs, lock_run, reopened, start_run
from TauAdv.runs.layout import MODEL
from TauAdv.training.run.preflight import require_inputs
from TauAdv.training.run.progress import say
from TauAdv.training.run.shared import Shared
from TauAdv.training.run.train import train
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.of_run import settings_of_run
from TauAdv.training.sweep.record import differences, read_sweep, record_sweep, runs_of, tags_of
from TauAdv.training.sweep.results import result_rows, table_lines, write_results
from TauAdv.training.sweep.settings import Sweep, is_sweep, of_all

__all__ = ["SweepError", "resume_sweep", "run_sweep"]


class SweepError(TauAdvError):
    """Some trainings of a sweep failed; the others were done."""


def run_sweep(sweep: Sweep, *, dry_run: bool = False) -> Run | None:
    """Do the trainings of a sweep, and return its run (``None`` after a dry run).

    An unfinished sweep of the same ``output.run_name`` is resumed.

    Args:
        sweep: what to train.
        dry_run: check the inputs of all trainings, show the first, and stop.

    Raises:
        ConfigError: if the inputs of some training do not fit, or there is an unfinished sweep of the same name with other
            settings.
        OutputLockedError: if another process does that sweep.
        SweepError: after all trainings, if some failed.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    before = _unfinished(sweep)
    if before is not None:
        return resume_sweep(before, dry_run=dry_run)
    shared = Shared()
    with _nothing_started():
        _require_inputs(sweep, shared)
    if dry_run:
        train(sweep.trainings[0], dry_run=True, shared=shared)
        say("\n".join([f"{sweep}; settings and network are shown of the first:", *sweep.labels]))
        return None
    first = sweep.trainings[0]
    output, tags = first.output, {**first.tags, "kind": "sweep", **job_tags()}
    with _interruptible(), start_run(output.mlruns, output.experiment, output.run_name, tags) as parent:
        record_sweep(parent, sweep)
        _train_all(parent, sweep, shared)
    return parent


def resume_sweep(run: Run, overrides: Sequence[str] = (), *, dry_run: bool = False) -> Run:
    """Do what is left of a sweep: finished trainings stay, an interrupted one is resumed, the others are started.

    Args:
        run: of the sweep.
        overrides: changes that a resumed training takes, for all trainings, finished ones too.
        dry_run: only show what became of each training.

    Raises:
        ConfigError: if an override would change which trainings there are, or their steps.
        OutputLockedError: if another process does the sweep.
        SweepError, KeyboardInterrupt: as :func:`run_sweep`.
    """
    sweep = read_sweep(run, overrides)
    if dry_run:
        say(
            "\n".join(
                [
                    f"{run.title}: {sweep}",
                    *table_lines(sweep, result_rows(sweep, runs_of(run), {})),
                    "dry run: nothing was written",
                ]
            )
        )
        return run
    with _interruptible(), lock_run(run.mlpath, run.id) as parent, reopened(parent):
        say(f"resuming {parent.title}: {sweep}")
        _train_all(parent, sweep, Shared(), overrides)
    return parent


def _unfinished(sweep: Sweep) -> Run | None:
    """Return the unfinished sweep of the same name, if there is one."""
    output = sweep.trainings[0].output
    if output.run_name is None or not has_runs(output.mlruns):
        return None
    for run in list_runs(output.mlruns):
        if run.name != output.run_name or not is_sweep(run) or run.status == "FINISHED":
            continue
        before = read_sweep(run)
        if before.trainings[0].output.experiment != output.experiment:
            continue
        if differing := differences(before, sweep):
            again = resume_line(sweep.trainings[0].command, run.id, run.mlpath)
            msg = f"{run.title}: is an unfinished sweep of that name with other settings:\n  " + "\n  ".join(differing)
            msg += f"\nresume it as it is ({again}), or choose another output.run_name"
            raise ConfigError(msg)
        return run
    return None


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Say to who presses Ctrl-C that there is nothing to resume yet."""
    try:
        yield
    except KeyboardInterrupt:
        say("the sweep was interrupted before its first training: nothing was started or written")
        raise


def _require_inputs(sweep: Sweep, shared: Shared) -> None:
    """Check the inputs of all trainings, before the first of them starts."""
    for check in (require_inputs, shared.inputs):
        of_all(sweep.labels, [partial(check, settings) for settings in sweep.trainings])


def _train_all(parent: Run, sweep: Sweep, shared: Shared, overrides: Sequence[str] = ()) -> None:
    say(f"run of the sweep: {parent.id} ({parent.name}), artifacts in {parent.artifacts}")
    failed: dict[int, str] = {}
    try:
        for number, (settings, label) in enumerate(zip(sweep.trainings, sweep.labels, strict=True), 1):
            before = runs_of(parent).get(number)
            if before is not None and _is_done(before) and not overrides:
                say(f"--- training {number} of {len(sweep.trainings)}, {label}: is finished, run {before.id}")
                continue
            say(f"--- training {number} of {len(sweep.trainings)}: {label}")
            shared.tags = tags_of(parent, number)
            try:
                _train(parent, replaced(settings, {"output.run_name": f"{parent.name}: {label}"}), before, shared, overrides)
            except TauAdvError as error:
                tqdm.write(f"training {number} ({label}) failed: {error}", file=sys.stderr)
                failed[number] = label
                shared.forget()
            _table(parent, sweep, failed)
    except KeyboardInterrupt:
        _table(parent, sweep, failed)
        command = resume_line(sweep.trainings[0].command, parent.id, parent.mlpath)
        say(f"the sweep is not finished; do what is left with: {command}")
        raise
    say("\n".join(_table(parent, sweep, failed)))
    if failed:
        msg = f"{len(failed)} of the {len(sweep.trainings)} trainings failed: {'; '.join(failed.values())} (see above)"
        raise SweepError(f"{msg}; what can be resumed: {resume_line(sweep.trainings[0].command, parent.id, parent.mlpath)}")


def _train(parent: Run, settings: TrainingSettings, before: Run | None, shared: Shared, overrides: Sequence[str]) -> None:
    if before is None:
        train(settings, shared=shared)
    else:
        train(settings_of_run(parent.mlpath, before.id, overrides), resume=before.id, shared=shared)


def _is_done(run: Run) -> bool:
    return run.status == "FINISHED" and (run.artifacts / MODEL).is_file()


def _table(parent: Run, sweep: Sweep, failed: Mapping[int, str]) -> list[str]:
    """Renew the results that the run keeps, and return them as a table."""
    rows = result_rows(sweep, runs_of(parent), failed)
    write_results(parent, rows)
    return list(table_lines(sweep, rows))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM act as Ctrl-C also between the steps of trainings."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
