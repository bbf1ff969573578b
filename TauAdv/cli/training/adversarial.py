"""Fine-tune a classifier adversarially, so that it treats data and simulation alike.

{train adversarial} --config adversarial_deeptau_v2p5 model.pretrained.run_id=RUN_ID schedule.n_epochs=2
{train adversarial} --resume RUN_ID --mlpath mlruns/1
"""

from __future__ import annotations

from argparse import Namespace

from TauAdv.cli.training.start import add_script_options, run_script

add_options = add_script_options

DEFAULTS: dict[str, str] = {"method": "reversal"}
"""Tagger and method of settings that do not name them."""


def run(options: Namespace) -> None:
    """Train."""
    run_script("train adversarial", options, DEFAULTS)
