#!/usr/bin/env python3
"""Train a classifier of tau candidates.

python Training/train_classifier.py --config demo/classifier.yaml n_epochs=2 learning_rate=5e-4
python Training/train_classifier.py --resume RUN_ID --mlpath mlruns/1
"""

import argparse

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, report_errors
from TauAdv.training.classifier import train_classifier
from TauAdv.training.settings import ClassifierSettings, settings_of_run


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings")
    parser.add_argument("--resume", metavar="RUN_ID", help="go on with this run, with its own settings")
    parser.add_argument("--mlpath", default="mlruns", help="with --resume: the run's folder mlruns/EXPERIMENT_ID, or mlruns")
    parser.add_argument("--dry-run", action="store_true", help="print merged settings, inputs and network, and stop")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over those of the file")
    arguments = parser.parse_intermixed_args(argv)
    if (arguments.config is None) == (arguments.resume is None):
        msg = "give --config FILE for a new run, or --resume RUN_ID to go on with one"
        raise ConfigError(msg)
    return arguments


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(argv)
    if arguments.resume:
        settings = settings_of_run(ClassifierSettings, arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = load_settings(ClassifierSettings, arguments.config, arguments.overrides)
    train_classifier(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
