"""Small JSON files with a checksum of their own: manifests, and notes that a step makes of what is finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.atomic import write_json
from TauAdv.io.checksums import content_checksum
from TauAdv.io.record_reader import CHECKSUM, read_record, reason, require_plain

__all__ = ["CHECKSUM", "read_note", "read_record", "write_record"]


def write_record(
    path: Path | str, content: Mapping[str, Any], *, default: Callable[[Any], Any] | None = None
) -> dict[str, Any]:
    """Write a JSON object with its checksum, atomically; return it as it reads back.

    Args:
        path: of the file.
        content: the object; its keys must be strings, as they are in JSON.
        default: turns what JSON cannot hold into what it can.

    Raises:
        InputError: it could not be read back; nothing is written.
    """
    try:
        plain = json.loads(json.dumps(content, default=default))
        require_plain(plain)
    except ValueError as error:
        msg = (
            f"{path}: not written, it could not be read back: {reason(error)}; "
            "give whole numbers that fit into 64 bits, and UTF-8"
        )
        raise InputError(msg) from error
    plain[CHECKSUM] = content_checksum(plain)
    write_json(path, plain)
    return dict(plain)


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
