"""Checksums: xxHash (XXH3, 128 bits), which finds damage and mix-ups at the speed of memory.

Of 128 bits, a change at random goes unnoticed with a chance of 2**-128. It is no protection against forgery.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash

__all__ = ["ALGORITHM", "content_checksum", "describe_file", "file_checksum"]

ALGORITHM = "xxh3_128"
_BLOCK = 1 << 20


def file_checksum(path: Path | str) -> str:
    """Return the checksum of all bytes of a file, 32 hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def describe_file(path: Path | str) -> dict[str, Any]:
    """Return ``size`` in bytes and ``checksum`` of a file, as manifests list them."""
    return {"size": Path(path).stat().st_size, "checksum": file_checksum(path)}


def content_checksum(content: Mapping[str, Any]) -> str:
    """Return the checksum of a JSON object, whatever the order of its keys and its spaces; its ``checksum`` is left out."""
    counted = {key: value for key, value in content.items() if key != "checksum"}
    return xxhash.xxh3_128_hexdigest(json.dumps(counted, sort_keys=True).encode())
