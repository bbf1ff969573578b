"""Files that are what their manifest says: opened together, and verified before anything in them is used.

A file is mapped into memory when it is opened, so that its content stays that of the set that was opened, also if the set is
replaced meanwhile. The checksum is compared before any library parses the content: a damaged file never reaches them.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import xxhash

from TauAdv.errors import InputError
from TauAdv.io.leftovers import is_leftover

__all__ = ["FileSet", "VerifiedFile", "opened_at_once", "read_verified", "stamp"]

_BLOCK = 1 << 20
_STAMP = re.compile(rb"set ([0-9a-f]{32}) part ([\w.-]+)")
_STAMP_WITHIN = 1 << 16
#: Before Python 3.13 a mapped file counts as an open one.
_UNTRACKED: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}

_ATTEMPTS, _PAUSE = 5, 0.1
_Opened = TypeVar("_Opened")


def stamp(set_id: str, part: str) -> str:
    """Return the words that say, within a file, which part of which set it is."""
    return f"set {set_id} part {part}"


class VerifiedFile:
    """One file, mapped into memory.

    Args:
        path: of the file.
        expected: its ``size`` and ``checksum`` (:func:`TauAdv.io.checksums.describe_file`).
        remedy: what to do if it is not what it should be.
        known: the files of the same set and what is expected of them, to recognise mix-ups.
        set_id: identifier of the set that it should belong to.
        verified: whether its checksum was compared before.

    Raises:
        InputError: if the file is missing, or has another size.
    """

    def __init__(
        self,
        path: Path,
        expected: Mapping[str, Any],
        *,
        remedy: str,
        known: Mapping[str, Mapping[str, Any]] | None = None,
        set_id: str | None = None,
        verified: bool = False,
    ) -> None:
        self.path, self._expected, self._remedy = path, expected, remedy
        self._known, self._set_id = known or {}, set_id
        self._verified, self._lock = verified, Lock()
        self._map = self._opened()
        if len(self._map) != expected["size"]:
            raise InputError(self._fault())

    def _opened(self) -> mmap.mmap | bytes:
        try:
            return _mapped(self.path)
        except FileNotFoundError as error:
            msg = f"{self.path}: is missing, its manifest lists it; {self._remedy}"
            raise InputError(msg) from error
        except OSError as error:
            msg = f"{self.path}: cannot be opened: {error.strerror}"
            if error.errno == errno.EMFILE:
                msg += "; raise the limit of open files (ulimit -n)"
            raise InputError(msg) from error

    def content(self) -> memoryview:
        """Return all bytes, without copying them, after comparing the checksum the first time.

        Raises:
            InputError: if the content is not what was written.
        """
        with self._lock:
            if not self._verified:
                if _checksum(self._map) != self._expected["checksum"]:
                    raise InputError(self._fault())
                self._verified = True
        return memoryview(self._map)

    def release(self) -> None:
        """Let the system take back the memory of what was read; the content can still be used, and is read again."""
        if len(self._map):
            _release(self._map, length=len(self._map))

    def _fault(self) -> str:
        """Return what is wrong with the file."""
        checksum, size = _checksum(self._map), len(self._map)
        twins = [name for name, entry in self._known.items() if entry["checksum"] == checksum]
        found = _STAMP.search(bytes(self._map[:_STAMP_WITHIN]))
        owner = None if found is None else found[1].decode()
        if twins:
            reason = f"holds the content of {twins[0]}: files were swapped or repeated"
        elif found is not None and self._set_id is not None and owner != self._set_id:
            reason = f"belongs to another set (part {found[2].decode()} of set {owner}, expected set {self._set_id})"
        elif size != self._expected["size"]:
            kind = "cut short" if size < self._expected["size"] else "too long"
            reason = f"is {kind}: {size} bytes, expected {self._expected['size']}"
        else:
            reason = f"is damaged: checksum {checksum}, expected {self._expected['checksum']}"
        return f"{self.path}: {reason}; {self._remedy}"


def _mapped(path: Path) -> mmap.mmap | bytes:
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:  # cannot be mapped
            return b""
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ, **_UNTRACKED)


def _allow_open_files(number: int) -> None:
    """Raise the limit of open files as far as the system lets a user, if a set would take a good part of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if number > soft // 4:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _checksum(content: mmap.mmap | bytes) -> str:
    digest, view = xxhash.xxh3_128(), memoryview(content)
    for start in range(0, len(view), _BLOCK):
        digest.update(view[start : start + _BLOCK])
        _release(content, start)
    return digest.hexdigest()


def _release(content: mmap.mmap | bytes, start: int = 0, length: int | None = None) -> None:
    """Let the system take back the memory of a block: it is read from the file again when it is needed."""
    if isinstance(content, mmap.mmap):
        content.madvise(mmap.MADV_DONTNEED, start, min(length or _BLOCK, len(content) - start))


class FileSet:
    """The files of a set, all opened at once, so that all are of the same set.

    Args:
        folder: where they are.
        files: name within the folder -> ``size`` and ``checksum``.
        remedy: what to do if a file is not what it should be.
        set_id: identifier of the set.
        verified: whether the checksums were compared before.

    Raises:
        InputError: if files are missing or have another size.
    """

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, Mapping[str, Any]],
        *,
        remedy: str,
        set_id: str | None = None,
        verified: bool = False,
    ) -> None:
        absent = [name for name in files if not (folder / name).exists()]
        if absent:
            shown = ", ".join(absent[:3]) + (" ..." if len(absent) > 3 else "")
            msg = f"{folder}: {len(absent)} of {len(files)} files are missing ({shown}); {remedy}"
            raise InputError(msg)
        _allow_open_files(len(files))
        options: dict[str, Any] = {"remedy": remedy, "known": files, "set_id": set_id, "verified": verified}
        self.folder = folder
        self.size = sum(int(entry["size"]) for entry in files.values())
        self._files = {name: VerifiedFile(folder / name, entry, **options) for name, entry in files.items()}

    def __getitem__(self, name: str) -> VerifiedFile:
        return self._files[name]

    def verify(self) -> None:
        """Compare the checksums of all files.

        Raises:
            InputError: naming the first one that is not what was written.
        """
        for file in self._files.values():
            file.content()


def read_verified(path: Path, expected: Mapping[str, Any], remedy: str) -> bytes:
    """Return the bytes of a file after comparing its checksum.

    Raises:
        InputError: if it is missing, or not what was written.
    """
    return bytes(VerifiedFile(path, expected, remedy=remedy).content())


def opened_at_once(folder: Path, opened: Callable[[], _Opened]) -> _Opened:
    """Return what a function opens in a folder; it is called again if the folder was replaced meanwhile.

    Raises:
        InputError: as the function, with the folder as it is.
    """
    for _ in range(_ATTEMPTS - 1):
        before = _identity(folder)
        try:
            found = opened()
        except InputError:
            if before == _identity(folder) and not _being_replaced(folder):
                raise
        else:
            if before == _identity(folder):
                return found
        time.sleep(_PAUSE)
    return opened()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _being_replaced(folder: Path) -> bool:
    """Return whether a folder is not there for a moment, because another takes its place."""
    return not folder.exists() and any(is_leftover(path.name) for path in folder.parent.glob(f".{folder.stem}.*"))
