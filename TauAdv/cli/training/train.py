"""Train a tagger: a classifier or an adversarial model of taus, or a tagger of jets, as the settings say.

tauadv train --config classifier_deeptau_v2p5 schedule.n_epochs=2 schedule.learning_rate=5e-4
tauadv train --config adversarial_deeptau_v2p5 model.pretrained.run_id=RUN_ID
tauadv train --config jet_adversarial attack.eps=0.03 attack.fraction=0.5
tauadv train --config jet_adversarial seed=1,2,3 attack.eps=0.01,0.03
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.shared_options import add_config, add_overrides
from TauAdv.cli.training.start import add_dry_run, start


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser, "YAML file of settings, or the name of a shipped one (tauadv configs)", required=True)
    add_dry_run(parser)
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Train."""
    start(options.config, options.overrides, dry_run=options.dry_run)
