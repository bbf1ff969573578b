"""What databases answer when they cannot be read or written, in words that say what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["SECONDS_OF_WAITING", "StoreBusyError", "StoreError", "explained", "missing_tables"]

#: For another process that writes into the store; MLflow waits as long.
SECONDS_OF_WAITING = 20.0


class StoreError(InputError):
    """The database of a store cannot be read or written."""


class StoreBusyError(StoreError):
    """Another process locks the database of a store."""


def explained(path: Path, error: BaseException) -> StoreError:
    """Return the error that says to a user what an error of SQLite (or what SQLAlchemy made of it) means."""
    original = getattr(error, "orig", None) or error  # SQLAlchemy keeps there what the database raised
    said = str(original).partition("\n")[0]
    code = (getattr(original, "sqlite_errorcode", None) or 0) & _PRIMARY
    if code == sqlite3.SQLITE_CANTOPEN and os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK):
        return StoreError(f"{path}: {_NO_SPACE}")  # so it is where there is no room for the journal beside the database
    if code in _ANSWERS:
        return (StoreBusyError if code in _BUSY else StoreError)(f"{path}: {_ANSWERS[code]}")
    if code == sqlite3.SQLITE_ERROR and said.startswith("no such table: "):  # SQLite has no code of its own for it
        return missing_tables(path, [said.removeprefix("no such table: ")])
    return StoreError(f"{path}: cannot be used by MLflow: {said[:200]}; {_DAMAGED}")


def missing_tables(path: Path, names: Sequence[str]) -> StoreError:
    """Return the error of a database that lacks tables."""
    what = "a table is" if len(names) == 1 else "tables are"
    return StoreError(f"{path}: is damaged: {what} missing ({', '.join(names)}); {_DAMAGED}")


_PRIMARY = 0xFF  # extended codes carry the primary one in the last byte (sqlite.org/rescode.html)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (
    "put a copy of the file back, or save what can be read: sqlite3 mlflow.db .recover | sqlite3 recovered.db; "
    "the files of the runs beside it are not concerned"
)
_LOCKED = (
    f"is locked by another process for more than {SECONDS_OF_WAITING:.0f} s; end the program that holds it (a database "
    "browser, a backup), or wait, and repeat"
)
_NO_SPACE = (
    "cannot be read or written: No space left on device, or an error of the disk; look at it, free some space and repeat"
)
_CLOSED = "cannot be opened: no permission to read it, or to write into its folder"
_ANSWERS = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: (
        "cannot be written: the file, its folder or the file system is read-only; copy the folder to where you may write"
    ),
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_FULL: "cannot be written: No space left on device; free some space and repeat",
    sqlite3.SQLITE_IOERR: _NO_SPACE,
    sqlite3.SQLITE_CORRUPT: f"is damaged or cut short; {_DAMAGED}",
    sqlite3.SQLITE_NOTADB: f"is damaged, no SQLite database; {_DAMAGED}",
}
