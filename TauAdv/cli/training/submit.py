"""Write and submit a batch job (Slurm or HTCondor) that trains; a job that is stopped and started again resumes its run.

{submit} --dry-run system=slurm hours=24 gpus=1 -- {train jets} --config jet_adversarial attack.eps=0.03
{submit} --config my_cluster.yaml name=eps003 -- {train jets} --config ...
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides

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
    from TauAdv.batch.submission import SubmissionSettings, submit
    from TauAdv.config import load_settings

    settings = load_settings(SubmissionSettings, options.config, options.overrides)
    submit(settings, options.behind, dry_run=options.dry_run)
