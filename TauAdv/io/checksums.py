"""Checksums of whole files: xxHash (XXH3, 128 bits), which finds damage and mix-ups at the speed of memory."""

from __future__ import annotations

from pathlib import Path

import xxhash

__all__ = ["ALGORITHM", "file_checksum"]

ALGORITHM = "xxh3_128"
_BLOCK = 1 << 20


def file_checksum(path: Path | str) -> str:
    """Return the checksum of all bytes of a file, 32 hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
