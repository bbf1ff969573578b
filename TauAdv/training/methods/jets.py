"""Training of taggers of jets: nominal, against attacks, or with gradient reversal between two detectors."""

from __future__ import annotations

from TauAdv.training.run.train import Kind, train
from TauAdv.training.settings.jets import JetSettings

__all__ = ["train_jet_tagger"]

_COMMAND = "train jets"
_KINDS = {
    "nominal": Kind("jet tagger", _COMMAND),
    "adversarial": Kind("adversarial jet tagger", _COMMAND),
    "domain": Kind("jet tagger of two domains", _COMMAND),
}


def train_jet_tagger(settings: JetSettings, *, resume: str | None = None, dry_run: bool = False) -> str | None:
    """Train a tagger of jets by the method that the settings name; return the identifier of its run.

    (arXiv:2203.13890.)

    Args:
        settings: of :func:`TauAdv.training.settings.jets.jet_settings`; for a run to resume, of ``jet_settings_of_run``.
        resume: identifier of a run to go on with.
        dry_run: only check, and say what would be done (and return ``None``).

    Raises:
        ConfigError: if the network or the attack does not fit the inputs.
        InputError: if inputs, pretrained model or the run to resume do not fit.
        KeyboardInterrupt: after a clean end, by Ctrl-C or SIGTERM.
    """
    return train(settings, _KINDS[settings.method], resume=resume, dry_run=dry_run)
