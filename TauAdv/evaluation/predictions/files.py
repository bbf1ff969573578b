"""Files of prediction tables, each with a manifest beside it that holds its checksum."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError, InputWarning
from TauAdv.io.atomic import new_file
from TauAdv.io.manifests.manifest import manifest_path, read_manifest, require_checksums, write_manifest
from TauAdv.io.verified_files import opened_at_once, read_verified

__all__ = ["read_table_file", "write_table_file"]


def write_table_file(path: Path, write: Callable[[Path], Any], manifest: Mapping[str, Any]) -> None:
    """Write a table and its manifest; a table without a manifest, or with that of another, is never there.

    Args:
        path: of the table.
        write: writes it to the path that it is given.
        manifest: arguments of :func:`TauAdv.io.manifests.manifest.write_manifest`.
    """
    with new_file(path) as temporary:
        write(temporary)
        write_manifest(path, **manifest, content=temporary)


def read_table_file(
    path: Path, remedy: str, *, run: str | None = None, foreign: bool = False, output: Path | None = None
) -> io.BytesIO:
    """Return the bytes of a table after comparing its checksum: what reads them never sees a damaged file.

    Args:
        path: of the table.
        remedy: what to do if it is not what was written.
        run: id of the run whose table it must be.
        foreign: also take, with a warning, a table without a checksum: other programs and earlier versions write them.
        output: folder that the table belongs to, with one manifest of all of its files; default: the table has its own.

    Raises:
        InputError: if the table or its manifest is damaged, or belongs to another, or has no checksum.
    """
    return opened_at_once(path, lambda: _read(path, output or path, remedy, run, foreign))


def _read(path: Path, output: Path, remedy: str, run: str | None, foreign: bool) -> io.BytesIO:
    manifest = read_manifest(output) if not foreign or manifest_path(output).exists() else {}
    if foreign and not manifest.get("files"):
        msg = f"{path}: not verified: it has no checksum, another program or an earlier version of TauAdv wrote it"
        warnings.warn(msg, InputWarning, stacklevel=2)
        return io.BytesIO(path.read_bytes())
    require_checksums(output, manifest, remedy)
    maker = manifest["settings"].get("run", run)
    if maker != run:
        msg = f"{path}: is the table of run {maker}, expected that of run {run}; {remedy}"
        raise InputError(msg)
    listed = manifest["files"]
    return io.BytesIO(read_verified(path, listed.get(path.name, next(iter(listed.values()))), remedy))
