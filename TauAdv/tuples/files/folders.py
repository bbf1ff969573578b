"""The tuples in folders and behind glob patterns; links are followed, and no folder is passed over in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

__all__ = ["expand_pattern", "is_pattern", "tuple_files"]

_Identity = tuple[int, int]


def is_pattern(name: str) -> bool:
    """Return whether a name has characters of glob patterns."""
    return has_magic(name)


def tuple_files(folder: Path, suffixes: tuple[str, ...], problems: list[str]) -> list[Path]:
    """Return the files of these suffixes in a folder and its subfolders, sorted, no hidden ones; add what cannot be read."""
    found = []
    for path in _folders(folder, problems, ()):
        for name in _names(path, problems):
            file = path / name
            if name.lower().endswith(suffixes) and not file.is_dir():
                found.append(file)
    for file in found:
        if not file.exists():
            problems.append(f"{file}: is a link to nothing ({os.readlink(file)})")
    return sorted(found)


def expand_pattern(pattern: str, problems: list[str]) -> list[Path]:
    """Return the files and folders that match a glob pattern (``**``: any subfolders), sorted; add what cannot be read."""
    path = Path(pattern)
    start = Path(path.anchor) if path.anchor else Path()
    parts = path.parts[1:] if path.anchor else path.parts
    return sorted(dict.fromkeys(_expand(start, parts, problems)))


def _expand(base: Path, parts: tuple[str, ...], problems: list[str]) -> Iterator[Path]:
    if not parts:
        yield base
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        for folder in _folders(base, problems, ()):
            yield from _expand(folder, rest or ("*",), problems)
    elif not has_magic(part):
        if (base / part).exists():
            yield from _expand(base / part, rest, problems)
    elif base.is_dir():
        for name in _names(base, problems):
            if fnmatchcase(name, part):
                yield from _expand(base / name, rest, problems)


def _folders(folder: Path, problems: list[str], above: tuple[_Identity, ...]) -> Iterator[Path]:
    """Yield a folder and its subfolders; a link that leads back to a folder above is not followed."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    yield folder
    for name in _names(folder, problems):
        if (folder / name).is_dir():
            yield from _folders(folder / name, problems, (*above, identity))


def _names(folder: Path, problems: list[str]) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        problem = f"{folder}: this folder cannot be read ({error.strerror})"
        if problem not in problems:
            problems.append(problem)
        return []
