"""Where an output lies: in the folder of a run, which says where it is, or where the user wants it."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["run_of", "suggestion"]

_ARTIFACTS = "artifacts"
_RUN_ID = re.compile(r"[0-9a-f]{32}")


def run_of(path: Path | str) -> str | None:
    """Return the identifier of the run in whose folder a path is, ``.../RUN_ID/artifacts/...``; ``None`` if in none."""
    place = Path(path).absolute()
    for folder in (place, *place.parents):
        if folder.name == _ARTIFACTS and _RUN_ID.fullmatch(folder.parent.name):
            return folder.parent.name
    return None


def suggestion(output: Path | str, here: str, elsewhere: str | None = None) -> str:
    """Return what to do about what is in the way of an output, by who says where it lies.

    Args:
        output: what is to be written.
        here: what to do where its place is fixed, in a run.
        elsewhere: what to do where the user names it; default: that, or another name.
    """
    if run_of(output):
        return here
    return elsewhere or f"{here}, or give another output name"
