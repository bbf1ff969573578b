"""Names of ROOT's classes as uproot spells them, each found once: uproot does it again for every branch and its bases.

A workaround for ``uproot.model.classname_regularize`` (docs/upstream.md), a pure function of the name.
"""

from __future__ import annotations

from functools import lru_cache

import uproot

__all__ = ["remember_class_names"]

_MOST_NAMES = 2000  # a damaged file may have any number of them


def remember_class_names() -> None:
    """Let uproot keep the spellings that it has found, for all of this process; without effect where it does so itself."""
    spell = getattr(uproot.model, "classname_regularize", None)
    if spell is not None and not hasattr(spell, "cache_info"):
        uproot.model.classname_regularize = lru_cache(maxsize=_MOST_NAMES)(spell)
