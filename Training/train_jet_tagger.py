#!/usr/bin/env python3
"""Train a tagger of jets (b, c, light): nominal, against attacks on its inputs, or alike in two detectors.

python Training/train_jet_tagger.py --config Training/configs/jet_nominal.yaml n_epochs=20 n_jets=100000
python Training/train_jet_tagger.py --config Training/configs/jet_adversarial.yaml attack.eps=0.03 attack.fraction=0.5
python Training/train_jet_tagger.py --resume RUN_ID --mlpath mlruns/1 n_epochs=40
"""

from command_line import parse

from TauAdv.errors import report_errors
from TauAdv.training.jet_settings import jet_settings, jet_settings_of_run


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv)
    if arguments.resume:
        settings = jet_settings_of_run(arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = jet_settings(arguments.config, arguments.overrides)
    from TauAdv.training.jets import train_jet_tagger  # TensorFlow takes seconds to load: after all checks

    train_jet_tagger(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
