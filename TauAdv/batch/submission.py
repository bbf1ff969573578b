"""Batch jobs that train: their files, written from templates, and their submission to Slurm or HTCondor."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.batch.command_words import is_script, starts_training, without_interpreter
from TauAdv.batch.job import JOB_FILE, Job
from TauAdv.commands import command
from TauAdv.config import Settings
from TauAdv.config.characters import of_characters
from TauAdv.config.quantities import Count, Hours, Seconds
from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.io.atomic import new_folder, write_text

__all__ = ["Submission", "SubmissionSettings", "submit"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
#: A word of a line ``#SBATCH --key=word``, which knows no quotes of a shell.
Word = Annotated[str, of_characters(".,:@/+-")]

_TEMPLATES = Path(__file__).parent / "templates"


class SubmissionSettings(Settings):
    """What a batch system is asked for.

    Attributes:
        system: ``slurm`` or ``htcondor``.
        name: of the job, of its folder, and of its run, unless the training gets a ``run_name`` of its own; by default
            the name of the script or command and the time.
        jobs: folder of the folders of jobs.
        hours: of running time: a number, or HH:MM[:SS], or d-HH:MM:SS.
        cpus: processor cores per node.
        memory_gb: memory per node.
        gpus: per node.
        nodes: machines that train together (Slurm only): ``schedule.devices=multi_worker`` is set.
        port: that the workers of several nodes talk through.
        partition, account: of Slurm.
        notice_seconds: before the end of its time, the training is asked to make a checkpoint: a number, or HH:MM:SS.
        python: interpreter of the job; by default the one that submits.
        setup: shell commands before the training, such as ``source /path/to/setup.sh``.
        lines: further lines of the job description, such as ``#SBATCH --constraint=a100``.
    """

    system: Literal["slurm", "htcondor"] = "slurm"
    name: Annotated[str, of_characters(".+-")] | None = None
    jobs: Path = Path("jobs")
    hours: Hours = 12.0
    cpus: Count = 2
    memory_gb: Positive = 8.0
    gpus: Annotated[int, Field(ge=0)] = 0
    nodes: Count = 1
    port: Annotated[int, Field(ge=1024, le=65535)] = 7777
    partition: Word | None = None
    account: Word | None = None
    notice_seconds: Seconds = 300
    python: Path = Path(sys.executable)
    setup: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.system == "htcondor":
            for key, default in (("nodes", 1), ("partition", None), ("account", None)):
                if getattr(self, key) != default:
                    yield (key, "system"), f"{key}: is of Slurm only; HTCondor takes it in lines, if at all"
        if self.notice_seconds >= 3600 * self.hours:
            message = f"notice_seconds: {self.notice_seconds} seconds leave no time of the job's {self.hours:g} hours"
            yield ("notice_seconds", "hours"), message


@dataclass(frozen=True)
class Submission:
    """A job that is ready to be submitted.

    Attributes:
        folder: of the job.
        files: name -> content; all go into the folder.
        command: that submits it, to be run in the folder.
    """

    folder: Path
    files: dict[str, str]
    command: tuple[str, ...]

    @classmethod
    def of(cls, settings: SubmissionSettings, training: Sequence[str]) -> Submission:
        """Return the job of a training.

        Args:
            settings: what the batch system is asked for.
            training: as on the command line: a script or a command of ``tauadv``, and its arguments.

        Raises:
            ConfigError: if the command is none of a training.
            InputError: if the script or a configuration is not there.
        """
        program, *arguments = _checked(training)
        name = settings.name or f"{Path(program).stem}-{time.strftime('%Y%m%d-%H%M%S')}"
        folder = (settings.jobs / name).resolve()
        job = Job.of(program, arguments, name, several=settings.nodes > 1)
        values = _values(settings, name, folder)
        files = {JOB_FILE: job.dump()}
        if settings.system == "slurm":
            files["job.sh"] = _filled("slurm", values)
            return cls(folder, files, ("sbatch", "job.sh"))
        files |= {"job.sub": _filled("htcondor", values), "job.sh": _filled("htcondor_job", values)}
        return cls(folder, files, ("condor_submit", "job.sub"))

    def lines(self) -> Iterator[str]:
        """Yield the files and the command, for people to read."""
        for name, content in self.files.items():
            yield f"--- {self.folder / name}"
            yield content.rstrip("\n")
        yield f"--- submitted by: {shlex.join(self.command)}, in {self.folder}"

    def write(self) -> None:
        """Write the files.

        Raises:
            OutputExistsError: if there is a job of that name.
        """
        if self.folder.exists():
            msg = f"{self.folder}: there is a job of that name; choose another name, or remove that folder"
            raise OutputExistsError(msg)
        with new_folder(self.folder) as temporary:
            for name, content in self.files.items():
                write_text(temporary / name, content)
                if name == "job.sh":
                    (temporary / name).chmod(0o755)

    def submit(self) -> str:
        """Submit the job and return what the batch system says.

        Raises:
            InputError: if the batch system refuses it.
        """
        done = subprocess.run(self.command, capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip()
            msg = f"{shlex.join(self.command)} failed: {said}; the job is in {self.folder}"
            raise InputError(msg)
        return done.stdout.strip()


def submit(settings: SubmissionSettings, training: Sequence[str], *, dry_run: bool = False) -> None:
    """Write and submit a batch job that trains, or only print it.

    Args:
        settings: what the batch system is asked for.
        training: as on the command line: a script or a command of ``tauadv``, and its arguments.
        dry_run: print the files and the command; nothing is written.

    Raises:
        ConfigError: if there is no such batch system on this machine, or the command is none of a training.
        InputError: if the script or a configuration is not there, or the batch system refuses the job.
        OutputExistsError: if there is a job of that name.
    """
    submission = Submission.of(settings, training)
    if dry_run:
        print("\n".join(submission.lines()))
        return
    if shutil.which(submission.command[0]) is None:
        msg = (
            f"there is no command '{submission.command[0]}' on this machine: submit from a login node of the cluster, "
            "choose another system (slurm, htcondor), or look at the job with --dry-run"
        )
        raise ConfigError(msg)
    submission.write()
    print(submission.submit())
    print(f"job in {submission.folder}; its output: {submission.folder / 'log.txt'}")


def _checked(training: Sequence[str]) -> list[str]:
    """Return the words of a training without interpreter; a script by its whole path."""
    words = without_interpreter(training)
    if not starts_training(words):
        msg = (
            f"expected, behind --, a training and its arguments, such as -- {command('train jets')} --config jet_nominal "
            f"schedule.n_epochs=50; received: {shlex.join(training) or 'nothing'}"
        )
        raise ConfigError(msg)
    if not is_script(words[0]):
        return words
    if not Path(words[0]).is_file():
        msg = f"{words[0]}: no such training script"
        raise InputError(msg)
    return [str(Path(words[0]).resolve()), *words[1:]]


def _values(settings: SubmissionSettings, name: str, folder: Path) -> dict[str, str]:
    lines = list(settings.lines)
    if settings.system == "slurm":
        asked = {"partition": settings.partition, "account": settings.account, "gpus-per-node": settings.gpus or None}
        lines = [f"#SBATCH --{key}={value}" for key, value in asked.items() if value is not None] + lines
    return {
        "name": name,
        "folder": _quoted(folder),
        "workdir": _quoted(Path.cwd()),
        "nodes": str(settings.nodes),
        "cpus": str(settings.cpus),
        "memory_mb": str(round(1024 * settings.memory_gb)),
        "time": _clock(settings.hours),
        "seconds": str(round(3600 * settings.hours)),
        "notice": str(settings.notice_seconds),
        "gpus_line": f"request_gpus   = {settings.gpus}" if settings.gpus else "",
        "lines": "\n".join(lines),
        "setup": "\n".join(settings.setup),
        "port": str(settings.port),
        "python": _quoted(settings.python),
    }


def _quoted(path: Path) -> str:
    """Return a path as a word of a shell script.

    Raises:
        InputError: if it has a line end, or bytes that are not UTF-8.
    """
    if not str(path).isprintable():
        msg = f"{str(path)!a}: a path with line ends, control characters or bytes that are not UTF-8 cannot be in a job"
        raise InputError(msg)
    return shlex.quote(str(path))


def _clock(hours: float) -> str:
    """Return a duration as ``d-HH:MM:SS``, at least a minute."""
    minutes, seconds = divmod(max(60, round(3600 * hours)), 60)
    return f"{minutes // 1440}-{minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02}"


def _filled(template: str, values: dict[str, str]) -> str:
    """Return the text of a template with its @words@ replaced; lines that become empty are left out."""
    kept = []
    for line in (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8").splitlines():
        # all at once: a path may have such a word itself
        filled = re.sub(r"@(\w+)@", lambda found: values.get(found[1], found[0]), line)
        if filled or not line:
            kept.append(filled)
    return "\n".join(kept) + "\n"
