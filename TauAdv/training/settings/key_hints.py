"""Which training has a key, for messages about keys of another one."""

from __future__ import annotations

from TauAdv.taggers.registry import taggers

__all__ = ["home_of"]


def home_of(key: str, rows: str) -> str | None:
    """Return the training that has a key, of the same rows if there is one; ``None`` if none has it."""
    found = [
        (spec.rows, training.full_title)
        for spec in taggers().values()
        for training in spec.trainings
        if key in training.settings_type().model_fields
    ]
    own = [title for name, title in found if name == rows]
    return next(iter(own or [title for _, title in found]), None)
