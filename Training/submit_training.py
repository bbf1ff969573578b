#!/usr/bin/env python3
"""Write and submit a batch job (Slurm or HTCondor) that trains; a job that is stopped and started again goes on.

python Training/submit_training.py --dry-run system=slurm hours=24 gpus=1 -- \
    Training/train_jet_tagger.py --config Training/configs/jet_adversarial.yaml attack.eps=0.03
python Training/submit_training.py --config my_cluster.yaml name=eps003 -- Training/train_jet_tagger.py --config ...
"""

import argparse
import sys
from pathlib import Path

from TauAdv.config import load_settings
from TauAdv.config.options import path
from TauAdv.errors import report_errors
from TauAdv.training.job import run_job
from TauAdv.training.submission import SubmissionSettings, split_command, submit


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script, up to --."""
    options = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [--config FILE] [--dry-run] [key=value ...] -- TRAINING_SCRIPT ARGUMENT ...",
    )
    options.add_argument("--config", metavar="FILE", type=path, help="YAML file: what the batch system is asked for")
    options.add_argument("--dry-run", action="store_true", help="print the job; write and submit nothing")
    options.add_argument(
        "--run", metavar="FOLDER", type=path, help="run the job in this folder, here and now (what the job does)"
    )
    options.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over those of the file")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    asked, training = split_command(sys.argv[1:] if argv is None else argv)
    arguments = parser().parse_intermixed_args(asked)
    if arguments.run:
        run_job(arguments.run)
        return
    settings = load_settings(SubmissionSettings, arguments.config, arguments.overrides)
    submit(settings, training, Path(__file__), dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
