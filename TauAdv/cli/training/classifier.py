"""Train a classifier of tau candidates.

{train classifier} --config classifier_deeptau_v2p5 schedule.n_epochs=2 schedule.learning_rate=5e-4
{train classifier} --resume RUN_ID --mlpath mlruns/1
"""

from __future__ import annotations

from argparse import Namespace

from TauAdv.cli.training.start import add_script_options, run_script

add_options = add_script_options

DEFAULTS: dict[str, str] = {}
"""Tagger and method of settings that do not name them."""


def run(options: Namespace) -> None:
    """Train."""
    run_script("train classifier", options, DEFAULTS)
