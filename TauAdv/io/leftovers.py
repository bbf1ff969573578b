"""What killed processes left unfinished, recognised by its name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["remove_leftovers"]

_LEFTOVER = re.compile(r"\.[0-9a-f]{32}\.tmp(\.[^.]*)?$")


def remove_leftovers(folder: Path | str) -> None:
    """Remove what killed processes left unfinished anywhere in a folder: files and folders with temporary names.

    No other process may be writing into the folder.
    """
    for path in sorted(Path(folder).rglob("*.tmp*")):
        if not _LEFTOVER.search(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it may have been in a folder that was removed
