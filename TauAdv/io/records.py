"""Small JSON files with a checksum of their own: manifests, and notes that a step makes of what is finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.atomic import write_json
from TauAdv.io.checksums import content_checksum

__all__ = ["read_note", "read_record", "write_record"]

CHECKSUM = "checksum"


def write_record(
    path: Path | str, content: Mapping[str, Any], *, default: Callable[[Any], Any] | None = None
) -> dict[str, Any]:
    """Write a JSON object with its checksum, atomically; return it as it reads back.

    Args:
        path: of the file.
        content: the object; its keys must be strings, as they are in JSON.
        default: turns what JSON cannot hold into what it can.
    """
    plain = json.loads(json.dumps(content, default=default))
    plain[CHECKSUM] = content_checksum(plain)
    write_json(path, plain)
    return dict(plain)


def read_record(path: Path | str) -> dict[str, Any]:
    """Return the object in a file. One without a checksum, which an earlier version wrote, is returned as it is.

    Raises:
        InputError: if it is not a JSON object, or not the one that was written; names the file and what was found.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        msg = f"{path}: damaged: expected UTF-8 text, found the byte 0x{error.object[error.start]:02x} at {error.start}"
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        msg = f"{path}: damaged: expected JSON ({reason})"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: damaged: expected a JSON object, found a {type(content).__name__}"
        raise InputError(msg)
    if CHECKSUM in content and content[CHECKSUM] != content_checksum(content):
        msg = f"{path}: damaged, or changed after it was written: its checksum does not belong to its content"
        raise InputError(msg)
    return content


def read_note(path: Path | str, owner: str) -> dict[str, Any] | None:
    """Return the note of a step on its own unfinished work; ``None`` if it is absent, damaged or another step's.

    Args:
        path: of the note.
        owner: identifier that the note must have as ``owner``.
    """
    try:
        content = read_record(path)
    except (InputError, FileNotFoundError):
        return None
    return content if CHECKSUM in content and content.get("owner") == owner else None
