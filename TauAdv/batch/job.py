"""What a batch job does when it is started, for the first time or again: train, go on with its own run, or nothing."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

from TauAdv.batch.command_words import is_script
from TauAdv.commands import command
from TauAdv.config import validate_settings
from TauAdv.config.meaning import AsMeant
from TauAdv.config.overrides import apply_overrides, override_pairs
from TauAdv.config.yaml_files import read_written
from TauAdv.errors import InputError, shortened
from TauAdv.io.checksums import content_checksum
from TauAdv.io.records import read_record
from TauAdv.runs import Run, has_runs, list_runs
from TauAdv.runs.layout import SWEEP, TRAINING

__all__ = ["JOB_FILE", "Job", "job_tags", "run_job", "split_arguments"]

JOB_FILE = "job.json"
_WORKERS = "TAUADV_WORKERS"
_RESTARTS = "SLURM_RESTART_COUNT"
_OPTIONS = ("--config", "--resume", "--mlpath")  # of trainings, those with a value
_TAG = "job"
_TAUADV = ("-P", "-m", "TauAdv")  # -P: modules of the working folder are not imported
_VARIABLE = "TAUADV_JOB"
_TOGETHER = "schedule.devices=multi_worker"


class _Output(AsMeant):
    model_config = ConfigDict(extra="ignore", frozen=True)

    run_name: str | None = None
    mlruns: Path = Path("mlruns")


class _PlaceOfRun(AsMeant):
    """What the settings of a training say about its run; all else is for the training to check."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    output: _Output = _Output()


@dataclass(frozen=True)
class Job:
    """A training as a batch job.

    Attributes:
        script: path of the training script, or ``train`` or ``resume`` of ``tauadv``.
        arguments: its arguments.
        mlruns: folder of the runs.
        several: whether several processes train together.
        id: tag of its run, by which it is found again whatever its name is; ``None`` if the arguments resume a run.
    """

    script: str
    arguments: list[str]
    mlruns: str
    several: bool
    id: str | None

    @classmethod
    def of(cls, script: Path | str, arguments: Sequence[str], name: str, *, several: bool) -> Job:
        """Return the job of a training with some arguments; its run gets the name of the job if it has none.

        Raises:
            ConfigError: if the configuration is not there or not accepted, or sets other devices for ``several``.
        """
        arguments = list(arguments)
        options, overrides = split_arguments(arguments)
        if several and _TOGETHER not in overrides:
            override_pairs([*overrides, _TOGETHER])
            arguments.append(_TOGETHER)
        if "--resume" in options or str(script) == "resume":
            return cls(str(script), arguments, options.get("--mlpath", "mlruns"), several, None)
        content = read_written(options["--config"]) if "--config" in options else {}
        apply_overrides(content, overrides)
        run = validate_settings(_PlaceOfRun, content, options.get("--config", "command line")).output
        if run.run_name is None:
            arguments.append(f"output.run_name={name}")
        return cls(str(script), arguments, str(run.mlruns), several, uuid.uuid4().hex)

    @classmethod
    def read(cls, folder: Path | str) -> Job:
        """Return the job of a folder.

        Raises:
            InputError: if the folder holds no job.
        """
        file = Path(folder) / JOB_FILE
        wanted = f"expected the folder of a job that {command('submit')} wrote"
        try:
            content = read_record(file)
            content.pop("checksum", None)
            return TypeAdapter(cls).validate_python(content)
        except FileNotFoundError as error:
            msg = f"{file}: no such file; {wanted}"
            raise InputError(msg) from error
        except ValueError as error:
            msg = f"{file}: is not the description of a job: {shortened(error)}; {wanted}, submit the training again"
            raise InputError(msg) from error

    def dump(self) -> str:
        """Return the job as JSON."""
        content = asdict(self)
        return json.dumps(content | {"checksum": content_checksum(content)}, indent=1) + "\n"

    def command(self, environment: Mapping[str, str] = os.environ) -> list[str] | None:
        """Return what Python is called with for the training to start now; ``None`` if it is finished.

        A job that was started before resumes its own run, if that can be resumed. Several processes
        ask the batch system whether they were started before: the run might be that of the first process of the same start.
        """
        before = self._own_run() if not self.several or int(environment.get(_RESTARTS) or 0) else None
        if before is None:
            return self._start()
        if before.status == "FINISHED":
            return None
        if not any((before.artifacts / kept).is_file() for kept in (TRAINING, SWEEP)):
            return self._start()
        devices = [text for text in self.arguments if text.startswith("schedule.devices=")]
        where = [before.id, "--mlpath", self.mlruns, *devices]
        return [self.script, "--resume", *where] if is_script(self.script) else [*_TAUADV, "resume", *where]

    def _start(self) -> list[str]:
        program = [self.script] if is_script(self.script) else [*_TAUADV, self.script]
        return [*program, *self.arguments]

    def _own_run(self) -> Run | None:
        if self.id is None or not has_runs(self.mlruns):
            return None
        return next((run for run in list_runs(self.mlruns) if run.tags.get(_TAG) == self.id), None)


def job_tags(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the tag of a run that is started by a job; none outside of jobs."""
    return {_TAG: environment[_VARIABLE]} if environment.get(_VARIABLE) else {}


def run_job(folder: Path | str) -> None:
    """Start the training of a job instead of this process, so that signals of the batch system reach it.

    Raises:
        InputError: if the folder holds no job.
    """
    job = Job.read(folder)
    words = job.command()
    if words is None:
        print("the training of this job is finished")
        return
    if config := tf_config(os.environ):
        os.environ["TF_CONFIG"] = config
    if job.id is not None:
        os.environ[_VARIABLE] = job.id
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *words])


def tf_config(environment: Mapping[str, str]) -> str | None:
    """Return the content of TF_CONFIG for this process of a Slurm job on several nodes; ``None`` on one."""
    workers = environment.get(_WORKERS, "").split()
    if not workers:
        return None
    task = {"type": "worker", "index": int(environment["SLURM_PROCID"])}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


def split_arguments(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options with a value, and the words ``key=value``, of a training's command line.

    Options may be shortened, ``--conf FILE``, and have their value in the same word, ``--config=FILE``.
    """
    options, overrides = {}, []
    words = iter(arguments)
    for word in words:
        if not word.startswith("--"):
            overrides.append(word)
            continue
        name, separator, value = word.partition("=")
        known = [option for option in _OPTIONS if option.startswith(name)]
        if len(known) == 1:
            options[known[0]] = value if separator else next(words, "")
    return options, overrides
