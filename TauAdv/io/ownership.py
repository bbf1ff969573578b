"""Whose a file is: ours are those that a manifest lists, or, in a folder, that a step says it writes; and of which run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.checksums import describe_file, file_checksum
from TauAdv.io.leftovers import is_leftover
from TauAdv.io.manifests.reading import CHECKSUMS, FOLDER_MANIFEST, manifest_path, read_manifest, read_manifest_at
from TauAdv.io.record_reader import CHECKSUM, read_record

__all__ = [
    "files_in",
    "foreign_files",
    "require_own_file",
    "require_own_files",
    "require_own_list",
    "require_own_manifest",
    "require_same_run",
    "run_of",
    "suggestion",
]

_ARTIFACTS = "artifacts"
_RUN_ID = re.compile(r"[0-9a-f]{32}")

_REPLACED = "its content is not what TauAdv wrote: it is damaged, or another file was put there"


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
    listed = _listed(folder) if by_manifest else {}
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
            f"{suggestion(folder, 'move them away')}"
        )
        raise OutputExistsError(msg)


def require_own_file(path: Path | str) -> None:
    """Refuse to replace a file that is not ours, or a manifest of it that is not, whatever was asked for.

    Ours is a file whose content is the one that its manifest, or the manifest or the checksums of its folder, list.

    Raises:
        OutputExistsError: names the file and what to do.
    """
    path = Path(path)
    if path.is_file():
        _refuse(path, _why_foreign(path))
    elif not path.exists():
        require_own_manifest(path)


def require_own_manifest(path: Path | str) -> None:
    """Refuse the manifest beside an output file if it is none that TauAdv wrote: it would be replaced.

    Raises:
        OutputExistsError: names the manifest and what to do.
    """
    manifest = Path(path).with_name(f"{Path(path).name}.manifest.json")
    if not manifest.is_file():
        return
    try:
        read_manifest_at(manifest)
    except InputError as error:
        _refuse(manifest, f"exists and is no manifest that TauAdv wrote ({str(error).split(';')[0]})")


def _refuse(path: Path, reason: str) -> None:
    if reason:
        msg = f"{path}: {reason}; it is never replaced: {suggestion(path, 'move it away')}"
        raise OutputExistsError(msg)


def require_own_list(folder: Path | str) -> None:
    """Refuse a folder whose ``checksums.json`` is not ours, or damaged: it would be replaced.

    Raises:
        OutputExistsError: names it.
    """
    path = Path(folder) / CHECKSUMS
    if path.exists() and _checksums(path) is None:
        msg = f"{path}: is not a list of files that TauAdv wrote, or damaged; it is never replaced: move it away"
        raise OutputExistsError(msg)


def _why_foreign(path: Path) -> str:
    """Return why a file may be of somebody else; empty if it is ours."""
    if manifest_path(path).is_file():
        try:
            manifest = read_manifest(path)
        except InputError as error:
            return f"exists and its manifest is not readable ({str(error).split(';')[0]})"
        if found := manifest.get("found_there"):
            return f"holds what it held before TauAdv added to it ({_shown(found)})"
        files = manifest.get("files", {})
        # an earlier version listed nothing; file and manifest may have been renamed together
        known = [one for one in [*files.values(), *manifest.get("replaced", ())] if one]
        return "" if not known or describe_file(path) in known else _REPLACED
    if (checksums := (_checksums(path.parent / CHECKSUMS) or {}).get(path.name)) is not None:
        return "" if file_checksum(path) in checksums else _REPLACED
    if path.name in (listed := _listed(path.parent)):
        return "" if listed[path.name] in (None, describe_file(path)) else _REPLACED
    return "exists, and no manifest says that TauAdv made it"


def _checksums(path: Path) -> Mapping[str, Any] | None:
    """Return the files that checksums of a folder list; ``None`` if there are none, or not ours."""
    try:
        content = read_record(path)
    except (InputError, OSError):
        return None
    files = content.get("files")
    return files if CHECKSUM in content and isinstance(files, dict) else None


def _listed(folder: Path | str) -> dict[str, Any]:
    """Return the manifest and the files that it lists, and those of outputs within the output, such as sets of a sample.

    Each has its size and checksum, or ``None`` where they are not known.
    """
    folder = Path(folder)
    if not (folder / FOLDER_MANIFEST).is_file():
        return {}
    try:
        manifest = read_manifest(folder)
    except InputError:  # damaged: then nothing is known to be ours
        return {}
    files = manifest.get("files", {})
    listed = {FOLDER_MANIFEST: None, **(files if isinstance(files, dict) else dict.fromkeys(files))}
    for name in manifest.get("sets", ()):
        listed |= {f"{name}/{inner}": content for inner, content in _listed(folder / name).items()}
    return listed


def _is_own(name: str, own: Sequence[str]) -> bool:
    parts = name.split("/")
    return any(map(is_leftover, parts)) or any(_matches(parts, pattern.split("/")) for pattern in own)


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


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


def require_same_run(path: Path, written_in: Any) -> None:
    """Refuse a file that lies in the folder of a run, and was written in that of another one.

    Args:
        path: of the file, or of the folder.
        written_in: identifier of the run that it was written in, as the file says; ``None``: it says nothing.

    Raises:
        InputError: names both runs.
    """
    here = run_of(path)
    if here is not None and written_in is not None and written_in != here:
        msg = f"{path}: it was written in run {written_in}, and lies in run {here}; put a copy of this run's own back"
        raise InputError(msg)
