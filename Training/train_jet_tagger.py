#!/usr/bin/env python3
"""Train a tagger of jets (b, c, light): nominal, against attacks on its inputs, or alike in two detectors.

python Training/train_jet_tagger.py --config Training/configs/jet_nominal.yaml n_epochs=20 n_jets=100000
python Training/train_jet_tagger.py --config Training/configs/jet_adversarial.yaml attack.eps=0.03 attack.fraction=0.5
python Training/train_jet_tagger.py --resume RUN_ID --mlpath mlruns/1 n_epochs=40
"""

import argparse

from TauAdv.errors import ConfigError, report_errors
from TauAdv.training.jet_settings import jet_settings, jet_settings_of_run
from TauAdv.training.jets import train_jet_tagger


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
        settings = jet_settings_of_run(arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = jet_settings(arguments.config, arguments.overrides)
    train_jet_tagger(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
