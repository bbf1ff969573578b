#!/usr/bin/env python3
"""Fine-tune a classifier adversarially, so that it treats data and simulation alike.

python Training/train_adversarial.py --config demo/adversarial.yaml n_epochs=2 learning_rate=5e-4
python Training/train_adversarial.py --resume RUN_ID --mlpath mlruns/1
"""

from command_line import parse

from TauAdv.config import load_settings
from TauAdv.errors import report_errors
from TauAdv.training.settings import AdversarialSettings, settings_of_run


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv)
    if arguments.resume:
        settings = settings_of_run(AdversarialSettings, arguments.mlpath, arguments.resume, arguments.overrides)
    else:
        settings = load_settings(AdversarialSettings, arguments.config, arguments.overrides)
    from TauAdv.training.adversarial import train_adversarial  # TensorFlow takes seconds to load: after all checks

    train_adversarial(settings, resume=arguments.resume, dry_run=arguments.dry_run)


if __name__ == "__main__":
    main()
