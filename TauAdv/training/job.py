"""What a batch job does when it is started, for the first time or again: train, go on with its own run, or nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from TauAdv.config import read_yaml
from TauAdv.errors import InputError
from TauAdv.tracking import DATABASE, Run, list_runs

__all__ = ["JOB_FILE", "Job", "run_job"]

JOB_FILE = "job.json"
_WORKERS = "TAUADV_WORKERS"
_RESTARTS = "SLURM_RESTART_COUNT"


@dataclass(frozen=True)
class Job:
    """A training as a batch job.

    Attributes:
        script: path of the training script.
        arguments: its arguments.
        run_name: name of its run, by which it is found again; ``None`` if the arguments resume a run.
        mlruns: folder of the runs.
        several: whether several processes train together.
    """

    script: str
    arguments: list[str]
    run_name: str | None
    mlruns: str
    several: bool

    @classmethod
    def of(cls, script: Path, arguments: Sequence[str], name: str, *, several: bool) -> Job:
        """Return the job of a training script with some arguments; its run gets the name of the job.

        Raises:
            InputError: if the configuration is not there.
        """
        arguments = list(arguments)
        config = _option(arguments, "--config")
        if config is not None and not Path(config).is_file():
            msg = f"{config}: no such configuration file"
            raise InputError(msg)
        if several:
            arguments.append("devices=multi_worker")
        if _option(arguments, "--resume") is not None:
            return cls(str(script), arguments, None, _option(arguments, "--mlpath") or "mlruns", several)
        given = {} if config is None else read_yaml(config)
        given |= dict(text.split("=", 1) for text in arguments if "=" in text and not text.startswith("-"))
        if not given.get("run_name"):
            arguments.append(f"run_name={name}")
        return cls(str(script), arguments, str(given.get("run_name") or name), str(given.get("mlruns", "mlruns")), several)

    def dump(self) -> str:
        """Return the job as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def command(self, environment: Mapping[str, str] = os.environ) -> list[str] | None:
        """Return script and arguments of the training to start now; ``None`` if it is finished.

        A job that was started before goes on with its own run, if that has come so far as to be resumed. Several processes
        ask the batch system whether they were started before: the run might be that of the first process of the same start.
        """
        before = self._own_run() if not self.several or int(environment.get(_RESTARTS) or 0) else None
        if before is None:
            return [self.script, *self.arguments]
        if before.status == "FINISHED":
            return None
        if not (before.artifacts / "input_cfg" / "training.yaml").is_file():
            return [self.script, *self.arguments]
        devices = [text for text in self.arguments if text.startswith("devices=")]
        return [self.script, "--resume", before.id, "--mlpath", self.mlruns, *devices]

    def _own_run(self) -> Run | None:
        if self.run_name is None or not (Path(self.mlruns) / DATABASE).is_file():
            return None
        return next((run for run in list_runs(self.mlruns) if run.name == self.run_name), None)


def run_job(folder: Path | str) -> None:
    """Start the training of a job in the place of this process, so that signals of the batch system reach it.

    Raises:
        InputError: if the folder holds no job.
    """
    file = Path(folder) / JOB_FILE
    if not file.is_file():
        msg = f"{file}: no such file; expected the folder of a job that Training/submit_training.py wrote"
        raise InputError(msg)
    command = Job(**json.loads(file.read_text(encoding="utf-8"))).command()
    if command is None:
        print("the training of this job is finished")
        return
    if config := tf_config(os.environ):
        os.environ["TF_CONFIG"] = config
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *command])


def tf_config(environment: Mapping[str, str]) -> str | None:
    """Return the content of TF_CONFIG for this process of a Slurm job on several nodes; ``None`` on one."""
    workers = environment.get(_WORKERS, "").split()
    if not workers:
        return None
    task = {"type": "worker", "index": int(environment["SLURM_PROCID"])}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


def _option(arguments: Sequence[str], name: str) -> str | None:
    """Return the value of an option such as ``--config FILE`` or ``--config=FILE``."""
    for position, text in enumerate(arguments):
        if text == name and position + 1 < len(arguments):
            return arguments[position + 1]
        if text.startswith(f"{name}="):
            return text.partition("=")[2]
    return None
