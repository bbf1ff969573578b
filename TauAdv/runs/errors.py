"""What databases answer when they cannot be read or written, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["SECONDS_OF_WAITING", "StoreBusyError", "StoreError", "explained"]

#: For another process that writes into the store; MLflow waits as long.
SECONDS_OF_WAITING = 20.0


class StoreError(InputError):
    """The database of a store cannot be read or written."""


class StoreBusyError(StoreError):
    """Another process locks the database of a store."""


def explained(path: Path, error: BaseException) -> StoreError:
    """Return the error that tells a user of an error of SQLite (or of what MLflow made of it)."""
    said = str(error).partition("\n")[0]
    for word, kind, text in _ANSWERS:
        if word in said:
            return kind(f"{path}: {text}")
    return StoreError(f"{path}: cannot be used by MLflow: {said[:200]}; {_DAMAGED}")


_DAMAGED = (
    "put a copy of the file back, or save what can be read: sqlite3 mlflow.db .recover | sqlite3 recovered.db; "
    "the files of the runs beside it are not concerned"
)
_ANSWERS: tuple[tuple[str, type[StoreError], str], ...] = (
    (
        "locked",
        StoreBusyError,
        f"is locked by another process for more than {SECONDS_OF_WAITING:.0f} s; end the program that holds it (a database "
        "browser, a backup), or wait, and repeat",
    ),
    (
        "readonly",
        StoreError,
        "cannot be written: the file, its folder or the file system is read-only; copy the folder to where you may write",
    ),
    ("unable to open", StoreError, "cannot be opened: no permission to read it, or to write into its folder"),
    ("full", StoreError, "cannot be written: no space left on the disk; free some space and repeat"),
    ("disk I/O error", StoreError, "cannot be read or written (disk error, or no space left); look at the disk and repeat"),
    ("malformed", StoreError, f"is damaged or cut short; {_DAMAGED}"),
    ("not a database", StoreError, f"is damaged, no SQLite database; {_DAMAGED}"),
    ("no such table", StoreError, f"is damaged: a table is missing; {_DAMAGED}"),
)
