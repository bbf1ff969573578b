"""Fine-tune a classifier adversarially, so that it treats data and simulation alike.

{train adversarial} --config adversarial_deeptau_v2p5 pretrained.run_id=RUN_ID n_epochs=2
{train adversarial} --resume RUN_ID --mlpath mlruns/1
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
    run_script("adversarial", options)


def settings(config: Path, overrides: Sequence[str]) -> Any:
    """Return the settings of a new training."""
    from TauAdv.config import load_settings
    from TauAdv.training.settings.taus import AdversarialSettings

    return load_settings(AdversarialSettings, config, overrides)


def settings_of_run(mlpath: Path, run_id: str, overrides: Sequence[str]) -> Any:
    """Return the settings of a run."""
    from TauAdv.training.settings.taus import AdversarialSettings, settings_of_run

    return settings_of_run(AdversarialSettings, mlpath, run_id, overrides)


def train(settings: Any, *, resume: str | None, dry_run: bool) -> None:
    """Train; TensorFlow takes seconds to load: after all checks of settings."""
    from TauAdv.training.methods.adversarial import train_adversarial

    train_adversarial(settings, resume=resume, dry_run=dry_run)
