"""Which files an ``--input`` means: a file, a folder, a glob pattern or a text list."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from TauAdv.config.paths import expanded
from TauAdv.errors import InputError, nearest
from TauAdv.tuples.files.folders import expand_pattern, is_pattern, tuple_files
from TauAdv.tuples.files.lists import LIST_SUFFIXES, read_list
from TauAdv.tuples.files.same_files import same_files
from TauAdv.tuples.formats.registry import suffixes

__all__ = ["expanded_name", "resolve_inputs"]

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_SETTING = re.compile(r"[A-Za-z_][\w.]*=.+")


def resolve_inputs(
    inputs: str | Path | Sequence[str | Path], prefix: str = "", *, allow_duplicates: bool = False
) -> list[Path]:
    """Return the files that ``inputs`` names, each once, in order.

    Args:
        inputs: a file; a folder (the files of all formats in it and its subfolders, by suffix, linked ones too, sorted;
            hidden ones are left out); a glob pattern (sorted); a ``.txt`` or ``.list`` file with one of these per line (see
            :func:`~TauAdv.tuples.files.lists.read_list`), where relative names are looked up from the working folder, then
            from the folder of the list; or a sequence of all these. ``~`` and environment variables are replaced.
        prefix: put before every name that is not found as it is (and before every line of a list).
        allow_duplicates: take a file again that is given under another name, or as a copy. The same name counts once.

    Raises:
        InputError: lists every name that does not exist, cannot be read or holds no tuple, and the files given twice.
    """
    found: list[Path] = []
    problems: list[str] = []
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    for name in names:
        _resolve(str(name), prefix, found, problems)
    if not names:
        problems.append("no input file given")
    first: dict[str, Path] = {}
    for path in found:
        first.setdefault(os.path.abspath(path), path)
    distinct = list(first.values())
    if not problems and not allow_duplicates:
        problems += same_files(distinct)
    if problems:
        raise InputError("\n".join(problems))
    return distinct


def _resolve(name: str, prefix: str, found: list[Path], problems: list[str]) -> None:
    try:
        _check(name)
        path = _located(name, prefix)
        if path.exists() or path.is_symlink():
            _take(path, prefix, found, problems)
        elif is_pattern(str(path)):
            matches = expand_pattern(str(path), problems)
            if not matches:
                problems.append(f"{path}: no file matches this pattern{_hint_of_setting(path)}")
            for match in matches:
                _take(match, prefix, found, problems)
        else:
            problems.append(f"{path}: no such file or folder{_hint(path)}")
    except InputError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{name}: cannot be read ({error.strerror})")


def expanded_name(name: str) -> str:
    """Return the name of an input with ``~`` and environment variables replaced.

    Raises:
        InputError: if it is empty (which would mean the working folder) or cannot be a name.
    """
    _check(name)
    return os.path.expandvars(expanded(name.removeprefix("file://")))


def _check(name: str) -> None:
    if not name.strip():
        msg = "the name of an input is empty; was a variable not set?"
        raise InputError(msg)
    if "\0" in name:
        msg = f"{name!r}: a file name cannot hold a NUL byte"
        raise InputError(msg)


def _located(name: str, prefix: str) -> Path:
    """Return the path that a name means: as it is, or after replacing ``~`` and variables, or with the prefix.

    Raises:
        InputError: if it is remote.
    """
    if Path(name).exists():
        return Path(name)
    expanded = expanded_name(name)
    if Path(expanded).exists() or not prefix:
        _refuse_remote(expanded)
        return Path(expanded)
    _refuse_remote(prefix + name)
    return Path(prefix + name)


def _refuse_remote(name: str) -> None:
    if _SCHEME.match(name):
        msg = f"{name}: remote files are not read; copy it here first (for example with xrdcp) or mount the storage"
        raise InputError(msg)


def _take(path: Path, prefix: str, found: list[Path], problems: list[str]) -> None:
    """Add the files that an existing path stands for."""
    if path.is_symlink() and not path.exists():
        problems.append(f"{path}: is a link to nothing ({os.readlink(path)})")
    elif path.is_dir():
        files = tuple_files(path, suffixes(), problems)
        found.extend(files)
        if not files:
            problems.append(f"{path}: this folder holds no {' or '.join(f'*{suffix}' for suffix in suffixes())} file")
    elif path.suffix.lower() in LIST_SUFFIXES:
        _take_list(path, prefix, found, problems)
    elif not path.is_file():
        problems.append(f"{path}: is not a file")
    else:
        found.append(path)


def _take_list(path: Path, prefix: str, found: list[Path], problems: list[str]) -> None:
    for number, name in read_list(path):
        own: list[str] = []
        if Path(name).suffix.lower() in LIST_SUFFIXES:
            own.append(f"{name}: a list within a list is not read")
        else:
            _resolve(_from_list(path, name, prefix, own), prefix, found, own)
        problems += [f"{path}: line {number}, {problem}" for problem in own]


def _from_list(path: Path, name: str, prefix: str, problems: list[str]) -> str:
    """Return a relative name of a list as seen from the working folder, or else from the folder of the list."""
    beside = path.parent / name
    here, there = _matches(Path(name)), _matches(beside)
    if here and there and not os.path.samefile(Path(name).parent, beside.parent):
        problems.append(f"{name}: is in the working folder and also beside the list; write the whole path")
    return str(beside) if there and not here and not prefix else name


def _matches(path: Path) -> bool:
    return path.exists() or (is_pattern(str(path)) and bool(expand_pattern(str(path), [])))


def _hint(path: Path) -> str:
    stripped = Path(str(path).strip())
    if stripped != path and stripped.exists():
        return f" (did you mean '{stripped}', without spaces around?)"
    if hint := _hint_of_setting(path):
        return hint
    unset = re.search(r"\$(\w+|\{[^}]*\})", str(path))
    if unset:
        return f" (is the variable {unset[0]} set?)"
    return nearest(path.name, os.listdir(path.parent)) if path.parent.is_dir() else ""


def _hint_of_setting(path: Path) -> str:
    setting = _SETTING.fullmatch(str(path))
    return " (if that is a setting and no file, put it before the option of the inputs)" if setting else ""
