"""Which files an ``--input`` means: a file, a folder, a glob pattern or a text list."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["check_root_file", "resolve_inputs"]

_HEADER_BYTES = 64
_LARGE_FILE = 1_000_000  # file versions from here on have 64-bit pointers


def resolve_inputs(inputs: str | Path | Sequence[str | Path], prefix: str = "") -> list[Path]:
    """Return the ROOT files that ``inputs`` names, each once, in order.

    Args:
        inputs: a ROOT file; a folder (its ``*.root`` files and those of its subfolders, sorted); a glob pattern (sorted);
            a ``.txt`` list with one of these per line, where ``#`` starts a comment and relative names are looked up from
            the working folder, then from the folder of the list; or a sequence of all these.
        prefix: put before every name that is not found as it is (and before every line of a list).

    Raises:
        InputError: lists every name that does not exist or holds no ROOT file.
    """
    found: list[Path] = []
    problems: list[str] = []
    for entry in [inputs] if isinstance(inputs, str | Path) else list(inputs):
        _resolve(str(entry), prefix, found, problems)
    if not found and not problems:
        problems.append("no input file given")
    if problems:
        raise InputError("\n".join(problems))
    return list(dict.fromkeys(found))


def check_root_file(path: Path | str) -> None:
    """Check that a file is there, is a ROOT file and is as long as its header says.

    Raises:
        InputError: says which of these fails.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise InputError(msg) from error
    if size == 0:
        msg = f"{path}: empty file (0 bytes); make or copy it again"
        raise InputError(msg)
    if len(header) < _HEADER_BYTES or header[:4] != b"root":
        msg = f"{path}: not a ROOT file (it does not start with 'root')"
        raise InputError(msg)
    width = 4 if int.from_bytes(header[4:8], "big") < _LARGE_FILE else 8
    expected = int.from_bytes(header[12 : 12 + width], "big")
    if size < expected:
        msg = f"{path}: truncated ROOT file: its header says {expected} bytes, it has {size}; copy or make it again"
        raise InputError(msg)


def _resolve(name: str, prefix: str, found: list[Path], problems: list[str]) -> None:
    path = Path(name)
    if prefix and not path.exists():
        name = prefix + name
        path = Path(name)
    if "://" in name:
        problems.append(
            f"{name}: remote files are not read; copy it here first (for example with xrdcp) or mount the storage"
        )
    elif _is_pattern(name) and not path.exists():
        matches = sorted(Path(match) for match in glob(name, recursive=True))
        found.extend(matches)
        if not matches:
            problems.append(f"{name}: no file matches this pattern")
    elif path.is_dir():
        matches = sorted(match for match in path.rglob("*.root") if not match.name.startswith("."))
        found.extend(matches)
        if not matches:
            problems.append(f"{path}: this folder holds no *.root file")
    elif not path.exists():
        problems.append(f"{path}: no such file or folder")
    elif path.suffix == ".txt":
        _resolve_list(path, prefix, found, problems)
    else:
        found.append(path)


def _is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def _exists(name: str) -> bool:
    return Path(name).exists() or (_is_pattern(name) and bool(glob(name, recursive=True)))


def _resolve_list(path: Path, prefix: str, found: list[Path], problems: list[str]) -> None:
    names = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    names = [name for name in names if name]
    if not names:
        problems.append(f"{path}: this list names no file")
    for number, name in enumerate(names, start=1):
        if name.endswith(".txt"):
            problems.append(f"{path}: entry {number}, {name}: a list within a list is not read")
            continue
        beside = str(path.parent / name)
        entry_problems: list[str] = []
        _resolve(beside if not prefix and not _exists(name) and _exists(beside) else name, prefix, found, entry_problems)
        problems += [f"{path}: entry {number}, {problem}" for problem in entry_problems]
