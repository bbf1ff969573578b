"""The first bytes of a ROOT file: whether it is one, whole, and closed by its writer."""

from __future__ import annotations

import struct
from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["check_root_file"]

_HEADER_BYTES = 64
_LARGE_FILE = 1_000_000  # file versions from here on have 64-bit pointers


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
    (version,) = struct.unpack(">i", header[4:8])  # signed: some writers store a negative one
    (expected,) = struct.unpack(">q" if version >= _LARGE_FILE else ">i", header[12 : 20 if version >= _LARGE_FILE else 16])
    if size < expected:
        msg = f"{path}: truncated ROOT file: its header says {expected} bytes, it has {size}; copy or make it again"
        raise InputError(msg)
