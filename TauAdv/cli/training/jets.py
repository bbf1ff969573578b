"""Train a tagger of jets (b, c, light): nominal, against attacks on its inputs, or alike in two detectors.

{train jets} --config jet_nominal n_epochs=20 n_jets=100000
{train jets} --config jet_adversarial attack.eps=0.03 attack.fraction=0.5
{train jets} --resume RUN_ID --mlpath mlruns/1 n_epochs=40
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from TauAdv.cli.training.start import add_script_options, run_script

add_options = add_script_options


def run(options: Namespace) -> None:
    """Train."""
    run_script("jets", options)


def settings(config: Path, overrides: Sequence[str]) -> Any:
    """Return the settings of a new training."""
    from TauAdv.training.settings.jets import jet_settings

    return jet_settings(config, overrides)


def settings_of_run(mlpath: Path, run_id: str, overrides: Sequence[str]) -> Any:
    """Return the settings of a run."""
    from TauAdv.training.settings.jets import jet_settings_of_run

    return jet_settings_of_run(mlpath, run_id, overrides)


def train(settings: Any, *, resume: str | None, dry_run: bool) -> None:
    """Train; TensorFlow takes seconds to load: after all checks of settings."""
    from TauAdv.training.methods.jets import train_jet_tagger

    train_jet_tagger(settings, resume=resume, dry_run=dry_run)
