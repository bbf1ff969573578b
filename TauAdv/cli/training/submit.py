"""Write and submit a batch job (Slurm or HTCondor) that trains; a job that is stopped and started again resumes its run.

{submit} --dry-run system=slurm hours=24 gpus=1 -- {train jets} --config jet_adversarial attack.eps=0.03
{submit} --config my_cluster.yaml name=eps003 -- {train jets} --config ...
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides
from TauAdv.cli.training import adversarial, classifier, jets
from TauAdv.cli.training.start import settings_to_resume, settings_to_start
from TauAdv.commands import SCRIPTS

_DEFAULTS = {
    "train classifier": classifier.DEFAULTS,
    "train adversarial": adversarial.DEFAULTS,
    "train jets": jets.DEFAULTS,
}
_SCRIPTS = {Path(SCRIPTS[name]).name: name for name in _DEFAULTS}
BEHIND = "TRAINING ARGUMENT ..."
"""What stands behind ``--``."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command, up to ``--``."""
    add_config(parser, "YAML file: what the batch system is asked for")
    parser.add_argument("--dry-run", action="store_true", help="print the job; write and submit nothing")
    parser.add_argument(
        "--run", metavar="FOLDER", type=path, help="run the job in this folder, here and now (what the job does)"
    )
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Submit the training behind ``--``."""
    if options.run:
        from TauAdv.batch.job import run_job

        run_job(options.run)
        return
    from TauAdv.batch.command_words import without_interpreter
    from TauAdv.batch.submission import SubmissionSettings, submit
    from TauAdv.config import load_settings

    settings = load_settings(SubmissionSettings, options.config, options.overrides)
    _require_settings(without_interpreter(options.behind))
    submit(settings, options.behind, dry_run=options.dry_run)


def _require_settings(training: Sequence[str]) -> None:
    """Refuse settings of a training now, rather than when the job has waited for its turn."""
    from TauAdv.batch.command_words import TRAINING_COMMANDS
    from TauAdv.batch.job import split_arguments

    program = Path(training[0]).name if training else ""
    name = _SCRIPTS.get(program)
    if name is None and program not in TRAINING_COMMANDS:
        return
    given, words = split_arguments(training[1:])
    if program == "resume" and words:
        given["--resume"] = words.pop(0)
    if "--resume" in given:
        settings_to_resume(Path(given.get("--mlpath", "mlruns")), given["--resume"], words, name)
    elif "--config" in given:
        settings_to_start(given["--config"], words, None if name is None else _DEFAULTS[name], name)
