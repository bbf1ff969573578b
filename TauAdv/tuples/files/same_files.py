"""Files that are given twice, or with what was made of them: their entries would count twice."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import describe_input, manifest_path, read_manifest
from TauAdv.io.manifests.verified import describes

__all__ = ["same_files"]


def same_files(paths: Sequence[Path]) -> list[str]:
    """Return a line for every file that is the same as an earlier one (by a link, or as a copy), or was made of another one.

    What a file was made of is what its manifest lists.

    Args:
        paths: files, or folders that their manifest identifies.
    """
    seen: dict[Hashable, int] = {}
    problems = []
    sizes = [_size(path) for path in paths]
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        first = seen.setdefault(_identity(path), number)
        if first == number and size and sizes.count(size) > 1:
            first = seen.setdefault(_digest(path), number)
            first = first if _equal(paths[first], path) else number
        if first != number:
            kind = "are the same" if os.path.samefile(path, paths[first]) else "have the same content"
            problems.append(f"{paths[first]} and {path} {kind}: entries would count twice")
    problems += _made_of_another(paths)
    if problems:
        problems.append("leave one out; or --allow-duplicates (in a configuration allow_duplicates: true) reads both")
    return problems


def _made_of_another(paths: Sequence[Path]) -> list[str]:
    sizes: dict[int, list[Path]] = {}
    for path in paths:
        sizes.setdefault(_size(path), []).append(path)
    found = []
    for path in paths:
        manifest = _manifest(path)
        found += [
            f"{path} was made of {other}: entries would count twice"
            for entry in manifest.get("inputs", [])
            for other in sizes.get(entry["size"], [])  # a digest costs more than a size
            if other != path and _digest(other) == entry["digest"] and describes(manifest, path)
        ]
    return found


def _manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a file; empty where there is no good one."""
    try:
        return read_manifest(path) if manifest_path(path).exists() else {}
    except InputError:
        return {}


def _target(path: Path) -> Path:
    return manifest_path(path) if path.is_dir() else path


def _size(path: Path) -> int:
    target = _target(path)
    return target.stat().st_size if target.exists() else 0


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _digest(path: Path) -> Hashable:
    try:
        return str(describe_input(path)["digest"])
    except OSError:  # its reader says so
        return path


def _equal(one: Path, other: Path) -> bool:
    return one == other or filecmp.cmp(_target(one), _target(other), shallow=False)
