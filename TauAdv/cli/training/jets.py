"""Train a tagger of jets (b, c, light): nominal, against attacks on its inputs, or alike in two detectors.

{train jets} --config jet_nominal schedule.n_epochs=20 data.n_jets=100000
{train jets} --config jet_adversarial attack.eps=0.03 attack.fraction=0.5
{train jets} --resume RUN_ID --mlpath mlruns/1 schedule.n_epochs=40
"""

from __future__ import annotations

from argparse import Namespace

from TauAdv.cli.training.start import add_script_options, run_script

add_options = add_script_options

DEFAULTS: dict[str, str] = {"tagger": "jet_flavour"}
"""Tagger and method of settings that do not name them."""


def run(options: Namespace) -> None:
    """Train."""
    run_script("train jets", options, DEFAULTS)
