"""Files whose checksums are kept beside them, in ``checksums.json`` of their folder: damage is noticed when they are read.

While a file is replaced, the checksums of the old and the new content are both kept there, so that a process may be killed
at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.checksums import file_checksum
from TauAdv.io.leftovers import is_leftover
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.reading import CHECKSUMS
from TauAdv.io.ownership import require_own_file, require_own_list, require_same_run, run_of
from TauAdv.io.records import read_record, write_record

__all__ = ["CHECKSUMS", "new_checked_file", "new_listed_file", "read_text", "require_undamaged", "write_checked_text"]


@contextmanager
def new_checked_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` at the end, and record its checksum.

    No other process may be writing into the folder.
    """
    path = Path(path)
    with new_file(path) as temporary:
        yield temporary
        checksum = file_checksum(temporary)
        before = _forgiving(path.parent)
        _record(path.parent, before | {path.name: [*before.get(path.name, [])[-1:], checksum]})
    _record(path.parent, before | {path.name: [checksum]})


@contextmanager
def new_listed_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path that becomes ``path`` at the end: an output without a manifest of its own, such as a plot.

    It is listed in ``checksums.json`` of its folder, and replaced if it is listed there. In a folder that is renamed at its
    end, that folder's manifest lists it.

    Raises:
        OutputExistsError: if there is a file that is not ours; it stays.
    """
    path = Path(path)
    if any(is_leftover(part) for part in path.parent.parts):
        with new_file(path) as temporary:
            yield temporary
        return
    with output_lock(path, path.parent / CHECKSUMS, wait=True):
        require_own_list(path.parent)
        require_own_file(path)
        with new_checked_file(path) as temporary:
            yield temporary
            require_own_file(path)


def write_checked_text(path: Path | str, text: str) -> None:
    """Write a small UTF-8 file, and record its checksum."""
    with new_checked_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_undamaged(path: Path | str) -> None:
    """Check that a file has the content that was written, if its checksum is known.

    Raises:
        InputError: if not, if it is of another run, or if the checksums themselves are damaged.
    """
    path = Path(path)
    checksums, run = _record_of(path.parent)
    if path.name not in checksums:
        return
    require_same_run(path, run)
    if file_checksum(path) not in checksums[path.name]:
        msg = (
            f"{path}: damaged or replaced: its content is not what was written (checksum in {CHECKSUMS} beside it); put a "
            f"copy of it back, or, if you replaced it on purpose, remove {path.parent / CHECKSUMS}"
        )
        raise InputError(msg)


def read_text(path: Path | str, remedy: str = "put a copy of it back") -> str:
    """Return the text of a small file, undamaged as far as its checksum is known.

    Raises:
        InputError: if it is damaged, or no UTF-8 text.
    """
    require_undamaged(path)
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"{path}: damaged: not UTF-8 text (byte {error.start}); {remedy}"
        raise InputError(msg) from error


def _record(folder: Path, checksums: dict[str, list[str]]) -> None:
    write_record(folder / CHECKSUMS, {"files": checksums, "run": run_of(folder)})


def _forgiving(folder: Path) -> dict[str, list[str]]:
    """Return the checksums of a folder by file; damaged ones are forgotten."""
    try:
        return _record_of(folder)[0]
    except InputError:
        return {}


def _record_of(folder: Path) -> tuple[dict[str, list[str]], Any]:
    """Return the checksums of a folder by file, and the run that it is of."""
    path = folder / CHECKSUMS
    try:
        content = read_record(path)
        files = {str(name): [str(entry) for entry in checksums] for name, checksums in content["files"].items()}
    except FileNotFoundError:
        return {}, None
    except (InputError, LookupError, AttributeError, TypeError) as error:
        msg = f"{path}: damaged, so that files in {folder} cannot be checked; if you know that they are good, remove it"
        raise InputError(msg) from error
    return files, content.get("run")
