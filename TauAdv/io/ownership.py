"""Whose files are in a folder: ours are those that its manifest lists, or that a step says it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.leftovers import is_leftover
from TauAdv.io.manifest_files import FOLDER_MANIFEST, read_manifest

__all__ = ["files_in", "foreign_files", "require_own_files"]


def files_in(folder: Path | str) -> list[str]:
    """Return all files and links below a folder, relative to it, in order; links are not followed."""
    found = []
    for top, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        found += [(Path(top) / name).relative_to(folder).as_posix() for name in (*files, *links)]
    return sorted(found)


def foreign_files(folder: Path | str, own: Sequence[str] = (), *, by_manifest: bool = True) -> list[str]:
    """Return the files and links in a folder that are not ours.

    Ours are the manifest and what it lists, what killed processes left under temporary names, and ``own``.

    Args:
        folder: to look into.
        own: patterns of relative names, for example ``jets-*.arrow``; ``*`` does not stand for ``/``.
        by_manifest: ``False``: what the manifest lists is not ours for that reason.
    """
    listed = _listed(folder) if by_manifest else set()
    return [name for name in files_in(folder) if name not in listed and not _is_own(name, own)]


def require_own_files(
    folder: Path | str, own: Sequence[str] = (), *, by_manifest: bool = True, of: str = "this output"
) -> None:
    """Refuse to replace or remove a folder in which there are files that are not ours (see :func:`foreign_files`).

    Raises:
        OutputExistsError: names them.
    """
    if not Path(folder).is_dir():
        return
    if others := foreign_files(folder, own, by_manifest=by_manifest):
        msg = (
            f"{folder}: holds files that are not of {of} ({_shown(others)}) and is never replaced; "
            "move them away, or give another output name"
        )
        raise OutputExistsError(msg)


def _listed(folder: Path | str) -> set[str]:
    """Return the manifest and the files that it lists, and those of outputs within the output, such as sets of a sample."""
    folder = Path(folder)
    if not (folder / FOLDER_MANIFEST).is_file():
        return set()
    try:
        manifest = read_manifest(folder)
    except InputError:  # damaged: then nothing is known to be ours
        return set()
    listed = {FOLDER_MANIFEST, *manifest.get("files", ())}
    for name in manifest.get("sets", ()):
        listed |= {f"{name}/{inner}" for inner in _listed(folder / name)}
    return listed


def _is_own(name: str, own: Sequence[str]) -> bool:
    parts = name.split("/")
    return any(map(is_leftover, parts)) or any(_matches(parts, pattern.split("/")) for pattern in own)


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
