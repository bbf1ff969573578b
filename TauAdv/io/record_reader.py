"""Records as they are read back: JSON objects that are what was once written, or are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.checksums import content_checksum

__all__ = ["CHECKSUM", "read_record", "reason", "require_plain"]

CHECKSUM = "checksum"
_WHOLE_NUMBERS = range(-(2**63), 2**64)  # those of 64 bits, with a sign or without


def read_record(path: Path | str) -> dict[str, Any]:
    """Return the object in a file. One without a checksum, which an earlier version wrote, is returned as it is.

    Raises:
        InputError: if it is not a JSON object, or not the one that was written; names the file and what was found.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_without_repetition)
        require_plain(content)
    except UnicodeDecodeError as error:
        msg = f"{path}: damaged: expected UTF-8 text, found the byte 0x{error.object[error.start]:02x} at {error.start}"
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: damaged: expected JSON ({reason(error)})"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: damaged: expected a JSON object, found a {type(content).__name__}"
        raise InputError(msg)
    if CHECKSUM in content and content[CHECKSUM] != content_checksum(content):
        msg = f"{path}: damaged, or changed after it was written: its checksum does not belong to its content"
        raise InputError(msg)
    return content


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a key comes twice"
        raise ValueError(msg)
    return found


def require_plain(value: Any) -> None:
    """Refuse numbers that no computer word holds, and texts that cannot be printed.

    Raises:
        ValueError: says what was found.
    """
    if isinstance(value, dict):
        for key, entry in value.items():
            require_plain(key)
            require_plain(entry)
    elif isinstance(value, list):
        for entry in value:
            require_plain(entry)
    elif isinstance(value, int) and value not in _WHOLE_NUMBERS:
        msg = f"a number of {len(str(abs(value)))} digits"
        raise ValueError(msg)
    elif isinstance(value, str):
        value.encode("utf-8")


def reason(error: Exception) -> str:
    """Return in words what is wrong with a JSON text."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeError):
        return "a text with half a character"
    return "a number of thousands of digits" if "integer string conversion" in str(error) else str(error)
