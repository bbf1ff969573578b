"""Manifests that facts about a file are taken from: of the file as it is now, not of one that it replaced."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.checksums import file_checksum
from TauAdv.io.manifests.reading import manifest_path, read_manifest

__all__ = ["describes", "require_described", "verified_manifest"]


def describes(manifest: Mapping[str, Any], path: Path | str) -> bool:
    """Return whether a manifest is of a file as it is now, by size and checksum.

    One of an earlier version of TauAdv, without checksums, is believed; so is one that was renamed with its file. What a
    folder holds is verified where it is opened.
    """
    return not _fault(manifest, Path(path))


def require_described(manifest: Mapping[str, Any], path: Path | str) -> None:
    """Refuse a manifest that is of another file than the one that is there now.

    Raises:
        InputError: names file, manifest, and what differs.
    """
    if fault := _fault(manifest, Path(path)):
        beside = manifest_path(path)
        msg = (
            f"{path}: is not the file that {beside.name} describes ({fault}): it was changed or exchanged; put that file "
            f"back or make it again, or, if this one is meant, remove {beside}: then nothing is known of it"
        )
        raise InputError(msg)


def verified_manifest(path: Path | str) -> dict[str, Any]:
    """Return the manifest of a file, empty if there is none.

    Raises:
        InputError: if it is damaged, or of another file than the one that is there now.
    """
    manifest = read_manifest(path) if manifest_path(path).is_file() else {}
    require_described(manifest, path)
    return manifest


def _fault(manifest: Mapping[str, Any], path: Path) -> str:
    """Return what of a file is not as its manifest says, or an empty string."""
    expected = None if path.is_dir() else _entry(manifest.get("files"), path.name)
    if expected is None:
        return ""
    status = path.stat()
    if status.st_size != expected["size"]:
        return f"{status.st_size} bytes, {expected['size']} there"
    found = _checksum(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return "" if found == expected["checksum"] else f"checksum {found}, {expected['checksum']} there"


def _entry(files: Any, name: str) -> Mapping[str, Any] | None:
    if not isinstance(files, Mapping) or not files:
        return None
    return files.get(name, next(iter(files.values()))) or None


@lru_cache(maxsize=256)
def _checksum(path: Path, *_: int) -> str:
    """Return the checksum of a file, once for each state of it: a step asks several times what a file is."""
    return file_checksum(path)
