"""Which training has a key, for messages about keys of another one."""

from __future__ import annotations

from TauAdv.taggers.registry import taggers
from TauAdv.training.settings.by_method import title_of_method, variants_by_method

__all__ = ["home_of"]


def home_of(key: str, rows: str) -> str | None:
    """Return the training that has a key, of the same rows if there is one; ``None`` if none has it."""
    found: dict[str, list[str]] = {}
    for spec in taggers().values():
        kind = spec.training.settings_type()
        methods = [name for name, variant in variants_by_method(kind) if key in variant.model_fields]
        if methods:
            title = spec.training.full_title
            found.setdefault(spec.rows, []).append(
                title if key in kind.model_fields else f"{title_of_method(methods)} of {title}"
            )
    return next(iter(found.get(rows) or [title for titles in found.values() for title in titles]), None)
