"""Domain-adversarial training: a classifier whose common features tell data from simulation as little as possible."""

from __future__ import annotations

from TauAdv.training.run.train import Kind, train
from TauAdv.training.settings.taus import AdversarialSettings

__all__ = ["train_adversarial"]

_KIND = Kind("adversarial", "train adversarial")


def train_adversarial(settings: AdversarialSettings, *, resume: str | None = None, dry_run: bool = False) -> str | None:
    """Train a model with an adversarial head, usually from a pretrained classifier; return the identifier of its run.

    The common layers follow k1 dL_class - k2 dL_adv, each head its own loss (TauMLTools, arXiv:2201.08458).

    Args:
        settings: what to train, on what; for a run to resume, those of
            :func:`TauAdv.training.settings.taus.settings_of_run`.
        resume: identifier of a run to go on with.
        dry_run: only check, and say what would be done (and return ``None``).

    Raises:
        InputError: if inputs, pretrained model or the run to resume do not fit.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    return train(settings, _KIND, resume=resume, dry_run=dry_run)
