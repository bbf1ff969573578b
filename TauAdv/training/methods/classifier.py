"""Training of a classifier of tau candidates (e, mu, tau, jet)."""

from __future__ import annotations

from TauAdv.training.run.train import Kind, train
from TauAdv.training.settings.taus import ClassifierSettings

__all__ = ["train_classifier"]

_KIND = Kind("classifier", "train classifier")


def train_classifier(settings: ClassifierSettings, *, resume: str | None = None, dry_run: bool = False) -> str | None:
    """Train a classifier; return the identifier of its run (``None`` after a dry run).

    Args:
        settings: what to train, on what; for a run to resume, those of
            :func:`TauAdv.training.settings.taus.settings_of_run`.
        resume: identifier of a run to go on with.
        dry_run: only check, and say what would be done.

    Raises:
        InputError: if inputs, pretrained model or the run to resume do not fit.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    return train(settings, _KIND, resume=resume, dry_run=dry_run)
