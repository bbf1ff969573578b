"""Train a classifier of tau candidates.

{train classifier} --config classifier_deeptau_v2p5 n_epochs=2 learning_rate=5e-4
{train classifier} --resume RUN_ID --mlpath mlruns/1
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
    run_script("classifier", options)


def settings(config: Path, overrides: Sequence[str]) -> Any:
    """Return the settings of a new training."""
    from TauAdv.config import load_settings
    from TauAdv.training.settings.taus import ClassifierSettings

    return load_settings(ClassifierSettings, config, overrides)


def settings_of_run(mlpath: Path, run_id: str, overrides: Sequence[str]) -> Any:
    """Return the settings of a run."""
    from TauAdv.training.settings.taus import ClassifierSettings, settings_of_run

    return settings_of_run(ClassifierSettings, mlpath, run_id, overrides)


def train(settings: Any, *, resume: str | None, dry_run: bool) -> None:
    """Train; TensorFlow takes seconds to load: after all checks of settings."""
    from TauAdv.training.methods.classifier import train_classifier

    train_classifier(settings, resume=resume, dry_run=dry_run)
