#!/usr/bin/env python3
"""Fine-tune a classifier adversarially, so that it treats data and simulation alike.

python Training/train_adversarial.py --config demo/adversarial.yaml n_epochs=2 learning_rate=5e-4
python Training/train_adversarial.py --resume RUN_ID --mlpath mlruns/1
"""

import argparse

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, report_errors
from TauAdv.training.adversarial import train_adversarial
from TauAdv.training.settings import AdversarialSettings, settings_of_run


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
        settings = settings_of_run(AdversarialSettings, arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = load_settings(AdversarialSettings, arguments.config, arguments.overrides)
    train_adversarial(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
