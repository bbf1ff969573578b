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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from TauAdv.config.paths import require_replaced
from TauAdv.errors import OutputExistsError, WriteError
from TauAdv.io.full_disk import naming_output
from TauAdv.io.ownership import require_own_files, suggestion

__all__ = [
    "kind_of",
    "make_parents",
    "new_file",
    "new_folder",
    "replace_folder",
    "require_no_file",
    "require_no_folder",
    "require_writable",
    "scratch_folder",
    "temporary_name",
    "write_bytes",
    "write_json",
    "write_text",
]


def temporary_name(path: Path) -> Path:
    """Return a new hidden name beside ``path``, of the same suffix: uproot, keras and matplotlib choose the format by it."""
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp{path.suffix}")


@contextmanager
def new_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` at the end, or remove it if the block raises.

    Raises:
        OutputExistsError: ``path`` is a folder, a link or a device; at once, before the block runs.
        WriteError: if the disk is full (or the quota, or a file as large as allowed), or its place cannot be written.
    """
    path = Path(path)
    require_no_folder(path)
    temporary = temporary_name(path)
    with naming_output(path, temporary):
        make_parents(path)
        temporary.touch()  # a place that cannot be written is known before the hours of work
        temporary.unlink()
        try:
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
def new_folder(path: Path | str, own: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` (replacing one there) at the end, or remove it.

    Args:
        path: final name.
        own: names of files in a folder there that may be replaced, besides those that its manifest lists.

    Raises:
        OutputExistsError: ``path`` is a file or a link, or a folder with files that are not ours; before the block runs,
            and again at the end.
        WriteError: if the disk is full, or its place cannot be written.
    """
    path = Path(os.path.abspath(path))
    require_no_file(path)
    require_own_files(path, own)
    temporary = temporary_name(path)
    with naming_output(path, temporary):
        make_parents(path)
        temporary.mkdir()
        try:
            yield temporary
            replace_folder(temporary, path, own)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def require_writable(path: Path | str) -> None:
    """Refuse a file that :func:`new_file` would refuse to write, before the work that it is to hold.

    Raises:
        OutputExistsError: ``path`` is a folder, a link or a device.
        WriteError: the nearest folder that is there cannot be written, or is a file.
    """
    path = Path(os.path.abspath(path))
    require_no_folder(path)
    nearest = next(folder for folder in path.parents if folder.exists())
    with naming_output(path):
        if not nearest.is_dir():
            raise _not_a_folder(path)
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(nearest))


@contextmanager
def scratch_folder(path: Path | str) -> Iterator[Path]:
    """Yield a folder beside ``path`` for what is needed while ``path`` is made; it is removed at the end."""
    temporary = temporary_name(Path(path))
    with naming_output(Path(path), temporary):
        temporary.mkdir(parents=True)
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def make_parents(path: Path) -> None:
    """Make the folders that ``path`` is to be in.

    Raises:
        InputError: if ``path`` holds a variable of the shell, or ``~``.
        WriteError: if one of them is a file, or a link to nothing.
    """
    require_replaced(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _not_a_folder(path) from error


def _not_a_folder(path: Path) -> WriteError:
    """Return the error of a path that leads through something else than folders."""
    there = [folder for folder in path.parents if os.path.lexists(folder) and not folder.is_dir()]
    kind = f"{there[-1]} is a {kind_of(there[-1])}" if there else os.strerror(errno.ENOTDIR)
    what_to_do = suggestion(path, "move it away", "move it away, or choose another")
    return WriteError(errno.ENOTDIR, f"{path}: cannot be written: {kind}, expected a folder; {what_to_do}")


def require_no_file(path: Path) -> None:
    """Refuse anything but a folder where a folder is to be, and the working folder, which would be taken away."""
    _require_no_link(path)
    if Path.cwd().is_relative_to(os.path.abspath(path)):
        msg = f"{path}: is the working folder, or holds it; the output is a folder of its own: give a name in it"
        raise OutputExistsError(msg)
    if path.exists() and not path.is_dir():
        raise _in_the_way(path, "folder")


def require_no_folder(path: Path) -> None:
    """Refuse anything but a file where a file is to be."""
    _require_no_link(path)
    if path.exists() and not path.is_file():
        raise _in_the_way(path, "file")


def _in_the_way(path: Path, expected: str) -> OutputExistsError:
    what_to_do = suggestion(path, "move it away", "give another output name")
    return OutputExistsError(f"{path}: is a {kind_of(path)}, expected a {expected} or nothing there; {what_to_do}")


def kind_of(path: Path) -> str:
    """Return what a path is, for messages: file, folder, named pipe, ..."""
    if path.is_symlink() and not path.exists():
        return f"link to {os.readlink(path)}, where nothing is"
    tests = {"folder": path.is_dir, "file": path.is_file, "named pipe": path.is_fifo, "socket": path.is_socket}
    return next((kind for kind, test in tests.items() if test()), "device")


def _require_no_link(path: Path) -> None:
    require_replaced(path)
    if path.is_symlink():
        msg = f"{path}: is a link to {os.readlink(path)}, which is not replaced; give that name instead, or remove the link"
        raise OutputExistsError(msg)


def replace_folder(temporary: Path, path: Path, own: Sequence[str] = ()) -> None:
    """Rename a folder to ``path``; one that is there is removed afterwards, or put back if that fails or is interrupted.

    Raises:
        OutputExistsError: ``path`` is a file or a link, or holds files that are not ours (see :func:`new_folder`).
    """
    require_no_file(path)
    require_own_files(path, own)
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


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no fsync of folders
            raise
    finally:
        os.close(descriptor)
