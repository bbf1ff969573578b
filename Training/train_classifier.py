#!/usr/bin/env python3
"""Train a classifier of tau candidates.

python Training/train_classifier.py --config demo/classifier.yaml n_epochs=2 learning_rate=5e-4
python Training/train_classifier.py --resume RUN_ID --mlpath mlruns/1
"""

from command_line import parse

from TauAdv.config import load_settings
from TauAdv.errors import report_errors
from TauAdv.training.settings import ClassifierSettings, settings_of_run


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv)
    if arguments.resume:
        settings = settings_of_run(ClassifierSettings, arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = load_settings(ClassifierSettings, arguments.config, arguments.overrides)
    from TauAdv.training.classifier import train_classifier  # TensorFlow takes seconds to load: after all checks

    train_classifier(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
