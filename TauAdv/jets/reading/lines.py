"""Streams the lines of a gzip (or plain) file in one pass, a bounded number of bytes at a time."""

from __future__ import annotations

import codecs
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from TauAdv.errors import InputError

__all__ = ["LineReader"]

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
#: First bytes of files of other kinds.
_OTHER_KINDS = {
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"(\xb5/\xfd": "Zstandard data",
    b"\x04\x22M\x18": "LZ4 data",
    b"PK\x03\x04": "a zip archive",
    b"root": "a ROOT file",
    b"ARROW1": "an Arrow file",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
}
_READ_BYTES = 1 << 18
_INFLATED_BYTES = 1 << 20
#: Far above the ~15 kB of a jet with 33 tracks.
_LONGEST_LINE = 1 << 20


class LineReader:
    """Lines of a ``.json.gz`` file, in order; also of several gzip files written one after the other, and of plain text.

    A file that ends in the middle of its compressed data gives all its complete lines; :attr:`truncated` then says so.

    Args:
        path: of the file.

    Raises:
        InputError: no such file; compressed data that are damaged (``read`` and ``skip``), a line above 1 MiB.

    Example:
        with LineReader("dataset.json.gz") as reader:
            while lines := reader.read(1000):
                ...
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self.size = self.path.stat().st_size
            self._stream: BinaryIO = self.path.open("rb")
        except OSError as error:
            msg = f"{path}: cannot be read ({error.strerror}); give a .json.gz file of jets, one list a line"
            raise InputError(msg) from error
        self._compressed = self._is_gzip()
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._unused = b""
        self._rest = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._started = False
        #: Lines given out or skipped so far.
        self.line_number = 0
        #: Bytes of the file used so far (of ``size``).
        self.bytes_read = 0
        #: Bytes of text behind the last complete line of a truncated file; ``None``: not truncated (as far as read).
        self.truncated: int | None = None

    def _is_gzip(self) -> bool:
        start = self._stream.read(8)
        self._stream.seek(0)
        for magic, kind in _OTHER_KINDS.items():
            if start.startswith(magic):
                self._stream.close()
                msg = f"{self.path}: this is {kind}; expected a .json.gz file of jets (or plain text), one list a line"
                raise InputError(msg)
        return start.startswith(_GZIP_MAGIC)

    def __enter__(self) -> LineReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()

    def read(self, count: int) -> list[bytes]:
        """Return the next ``count`` lines without their line ends; fewer at the end of the file."""
        while len(self._lines) < count and self._fill():
            pass
        lines, self._lines = self._lines[:count], self._lines[count:]
        if self.line_number == 0 and lines:
            lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)  # a byte-order mark is no part of the line
        self.line_number += len(lines)
        return lines

    def skip(self, count: int) -> int:
        """Pass over ``count`` lines and return how many there were; they are inflated but not parsed."""
        skipped = 0
        while skipped < count and (lines := self.read(min(count - skipped, 4096))):
            skipped += len(lines)
        return skipped

    def _fill(self) -> bool:
        """Add the lines of the next piece of text; return whether there was one."""
        if self._ended:
            return False
        text = self._next_text()
        if not text:
            self._ended = True
            self._close_last_line()
            return bool(self._lines)
        *lines, self._rest = (self._rest + text).split(b"\n")
        self._lines += lines
        if len(self._rest) > _LONGEST_LINE:
            number = self.line_number + len(self._lines) + 1
            msg = f"{self.path}: line {number}: longer than {_LONGEST_LINE} bytes; this is not a file of one jet a line"
            raise InputError(msg)
        return True

    def _close_last_line(self) -> None:
        if self.truncated is not None:
            self.truncated = len(self._rest)
        elif self._rest.strip():
            self._lines.append(self._rest)
        self._rest = b""

    def _next_text(self) -> bytes:
        if not self._compressed:
            return self._read()
        while True:
            if self._inflater.eof and not self._next_member():
                return b""
            data = self._inflater.unconsumed_tail or self._unused or self._read()
            self._unused = b""
            if not data and not self._inflater.eof:
                self.truncated = 0
                return b""
            if text := self._inflate(data):
                return text

    def _next_member(self) -> bool:
        """Start the next gzip file behind one that ended; zero bytes behind the end are padding."""
        data = self._inflater.unused_data or self._read()
        while data and not (data := data.lstrip(b"\0")):
            data = self._read()
        if not data:
            return False
        if not data.startswith(_GZIP_MAGIC[: len(data)]):
            number = self.line_number + len(self._lines) + 1
            msg = (
                f"{self.path}: what follows its compressed data, from byte {self.bytes_read - len(data)} on (line {number})"
            )
            raise InputError(f"{msg}, is no gzip data; fetch the file again, or cut it there")
        self._inflater, self._unused = zlib.decompressobj(_GZIP_WINDOW), data
        return True

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._inflater.decompress(data, _INFLATED_BYTES)
        except zlib.error as error:
            number = self.line_number + len(self._lines) + 1
            msg = f"{self.path}: compressed data damaged near byte {self.bytes_read}, at line {number} or before ({error})"
            raise InputError(f"{msg}; fetch the file again") from error

    def _read(self) -> bytes:
        data = self._stream.read(_READ_BYTES)
        self.bytes_read += len(data)
        return data
