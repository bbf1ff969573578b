"""What killed processes left unfinished, recognised by its name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["is_leftover", "remove_leftovers", "remove_leftovers_of", "remove_tree", "with_final_names"]

_LEFTOVER = re.compile(r"\.[0-9a-f]{32}\.tmp(\.[^.]*)?$")
_IN_A_TEXT = re.compile(r"(?<![^/\s'\"])\.([^/\s'\"]+?)\.[0-9a-f]{32}\.tmp")
_UNFINISHED = re.compile(r"(?<![^/\s'\"])\.([^/\s'\"]+?)\.unfinished(/[^\s'\"]*)?")


def is_leftover(name: str) -> bool:
    """Say whether a name is one of :func:`TauAdv.io.atomic.temporary_name`."""
    return _LEFTOVER.search(name) is not None


def remove_leftovers(folder: Path | str) -> None:
    """Remove what killed processes left unfinished anywhere in a folder: files and folders with temporary names.

    No other process may be writing into the folder.
    """
    for path in sorted(Path(folder).rglob("*.tmp*")):
        if is_leftover(path.name):
            remove_tree(path)


def remove_leftovers_of(output: Path) -> None:
    """Remove what killed processes left of one output, and of its manifest, beside it. The output must be locked."""
    if not output.parent.is_dir():
        return
    for path in (output, output.with_name(f"{output.name}.manifest.json")):
        own = re.compile(rf"\.{re.escape(path.stem)}\.[0-9a-f]{{32}}\.tmp{re.escape(path.suffix)}")
        for found in list(output.parent.iterdir()):
            if own.fullmatch(found.name):
                remove_tree(found)


def remove_tree(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)  # it may have been in a folder that was removed


def with_final_names(text: str) -> str:
    """Return a message in which temporary names are those that the files and folders get at the end."""
    return _IN_A_TEXT.sub(r"\1", _UNFINISHED.sub(r"\1", text))
