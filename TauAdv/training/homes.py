"""Which training has a key, for messages about keys of another one."""

from __future__ import annotations

from TauAdv.training.jet_settings import JetDomainSettings, JetSettings
from TauAdv.training.settings import AdversarialSettings, ClassifierSettings

__all__ = ["home_of"]

_HOMES = (
    (ClassifierSettings, "trainings of taus (Training/train_classifier.py, Training/train_adversarial.py)"),
    (AdversarialSettings, "adversarial trainings of taus (Training/train_adversarial.py)"),
    (JetSettings, "trainings of jets (Training/train_jet_tagger.py)"),
    (JetDomainSettings, "'method: domain' of Training/train_jet_tagger.py"),
)


def home_of(key: str, tagger: str) -> str | None:
    """Return the training that has a key, of the same kind of tagger if there is one; ``None`` if none has it."""
    found = [(kind, title) for kind, title in _HOMES if key in kind.model_fields]
    own = [title for kind, title in found if kind.tagger == tagger]
    return next(iter(own or [title for _, title in found]), None)
