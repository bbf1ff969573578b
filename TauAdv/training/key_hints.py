"""Which training has a key, for messages about keys of another one."""

from __future__ import annotations

from TauAdv.taggers.registry import taggers

__all__ = ["home_of"]


def home_of(key: str, tagger: str) -> str | None:
    """Return the training that has a key, of the same tagger if there is one; ``None`` if none has it."""
    found = [
        (spec.name, training.title)
        for spec in taggers().values()
        for training in spec.trainings
        if key in training.settings_type().model_fields
    ]
    own = [title for name, title in found if name == tagger]
    return next(iter(own or [title for _, title in found]), None)
