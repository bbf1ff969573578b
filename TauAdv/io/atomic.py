"""Files and folders that are whole or absent.

A temporary name beside the output is written, forced to the disk and renamed at the end: a killed step, or a full disk,
leaves nothing under the final name. Every file of the library is written here.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from TauAdv.errors import OutputExistsError, WriteError

__all__ = ["new_file", "new_folder", "replace_folder", "temporary_name", "write_bytes", "write_json", "write_text"]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


def temporary_name(path: Path) -> Path:
    """Return a new hidden name beside ``path``, of the same suffix: uproot, keras and matplotlib choose the format by it."""
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp{path.suffix}")


@contextmanager
def new_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` at the end, or remove it if the block raises.

    Raises:
        WriteError: if the disk is full (or the quota, or a file as large as allowed); names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        with _naming(path):
            yield temporary
            _force_to_disk(temporary)
            os.replace(temporary, path)
            _force_to_disk(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a small file atomically."""
    with new_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    """Write a small UTF-8 file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path | str, value: Any, *, default: Callable[[Any], Any] | None = None) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1, default=default) + "\n")


@contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` (replacing one there) at the end, or remove it.

    Raises:
        OutputExistsError: ``path`` is a file; at once, before the block runs.
        WriteError: if the disk is full; names ``path``.
    """
    path = Path(path)
    require_no_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    temporary.mkdir()
    try:
        with _naming(path):
            yield temporary
            replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_no_file(path: Path) -> None:
    """Refuse a file where a folder is to be."""
    if path.exists() and not path.is_dir():
        msg = f"{path}: is a file, expected a folder or nothing there; give another output name, or move the file away"
        raise OutputExistsError(msg)


def replace_folder(temporary: Path, path: Path) -> None:
    """Rename a folder to ``path``; one that is there is removed afterwards, or put back if that fails or is interrupted."""
    require_no_file(path)
    for file in temporary.rglob("*"):
        if file.is_file() and not file.is_symlink():
            _force_to_disk(file)
    if not path.exists():
        os.replace(temporary, path)
        _force_to_disk(path.parent)
        return
    old = temporary_name(path)
    try:
        os.replace(path, old)
        os.replace(temporary, path)
    except BaseException:
        if not path.exists():
            os.replace(old, path)
        raise
    _force_to_disk(path.parent)
    shutil.rmtree(old)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the output in errors of a full disk: libraries raise them without saying which file they were writing."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM or isinstance(error, WriteError):
            raise
        msg = f"{path}: cannot be written: {os.strerror(error.errno)}; nothing was left there; free some space and repeat"
        raise WriteError(error.errno, msg) from error


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no fsync of folders
            raise
    finally:
        os.close(descriptor)
