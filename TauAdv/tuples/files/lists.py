"""Text lists of files: one name a line."""

from __future__ import annotations

import re
from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["LIST_SUFFIXES", "read_list"]

LIST_SUFFIXES = (".txt", ".list")
_BYTE_ORDER_MARK = "\ufeff"
_QUOTED = re.compile(r"""(["'])(.*?)\1\s*(?:#.*)?""")
_LARGEST_LIST = 10_000_000  # bytes: a file of data by mistake


def read_list(path: Path) -> list[tuple[int, str]]:
    """Return the names in a list, each with the number of its line.

    Blank lines do not count, and spaces around a name are no part of it. ``#`` begins a comment at the start of a line or
    after a space (``run#3.root`` is a name), unless there is a file of that whole name. A name in quotes is taken as it is.

    Raises:
        InputError: if the file cannot be read, is not UTF-8 text (names the line), or names no file.
    """
    names = []
    for number, line in enumerate(_lines(path), start=1):
        name = _name(line.replace(_BYTE_ORDER_MARK, "").strip(), path.parent)
        if name:
            names.append((number, name))
    if not names:
        msg = f"{path}: this list names no file"
        raise InputError(msg)
    return names


def _name(line: str, folder: Path) -> str:
    if quoted := _QUOTED.fullmatch(line):
        return quoted[2]
    if "#" not in line or _is_file(Path(line)) or _is_file(folder / line):
        return line
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a NUL byte: surely no name
        return False


def _lines(path: Path) -> list[str]:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _LARGEST_LIST else b""
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise InputError(msg) from error
    if size > _LARGEST_LIST:
        msg = f"{path}: {size} bytes; a list of files has at most {_LARGEST_LIST}"
        raise InputError(msg)
    try:
        return re.split(r"\r\n|\r|\n", content.decode("utf-8"))
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        msg = f"{path}: line {number}: not UTF-8 text (byte 0x{content[error.start]:02x}); save the list as UTF-8"
        raise InputError(msg) from error
