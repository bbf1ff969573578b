"""Arrays in one ``.npz`` file that carries its own checksum, so that a damaged file is known before it is read.

The checksum stands in the comment of the zip archive, its last bytes: ``numpy.load`` reads the file as any other.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file

__all__ = ["load_arrays", "save_arrays"]

_DIGITS = 32


def save_arrays(path: Path | str, arrays: Mapping[str, NDArray[Any]], owner: str, *, compressed: bool = False) -> None:
    """Write arrays atomically.

    Args:
        path: of the ``.npz`` file.
        arrays: name -> array; no objects.
        owner: what the file belongs to; it is read only as that.
        compressed: with zlib.
    """
    save = np.savez_compressed if compressed else np.savez
    with new_file(path) as temporary:
        save(temporary, allow_pickle=False, **arrays)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.comment = b"0" * _DIGITS
        content = temporary.read_bytes()[:-_DIGITS]
        temporary.write_bytes(content + _checksum(content, owner))


def load_arrays(path: Path | str, owner: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that :func:`save_arrays` wrote.

    Raises:
        InputError: if the file is damaged, belongs to something else, or has no checksum, as those of earlier versions.
        FileNotFoundError: if it is not there.
    """
    content = Path(path).read_bytes()
    if content[-_DIGITS:] != _checksum(content[:-_DIGITS], owner):
        msg = f"{path}: damaged, mixed up with another file, or written by an earlier version"
        raise InputError(msg)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _checksum(content: bytes, owner: str) -> bytes:
    digest = xxhash.xxh3_128(owner.encode())
    digest.update(content)
    return digest.hexdigest().encode()
