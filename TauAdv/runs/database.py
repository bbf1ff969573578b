"""The SQLite file of a store: what is in it before MLflow opens it, and the few statements that MLflow has no call for.

Nothing here relies on a version of MLflow unseen: the revision of the schema is compared with that of the installed MLflow,
and every statement first looks whether its columns are there.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

from TauAdv.errors import InputError, OutputLockedError
from TauAdv.io.locks import output_lock
from TauAdv.runs.errors import SECONDS_OF_WAITING, explained, missing_tables
from TauAdv.runs.mlflow_revision import is_older, latest_revision

__all__ = [
    "DATABASE",
    "connected",
    "copy_database",
    "drop_metrics",
    "has_moved",
    "is_finished",
    "repair_locations",
    "require_database",
]

DATABASE = "mlflow.db"
_MAGIC = b"SQLite format 3\0"
_NEEDED = {"experiments", "runs", "params", "tags", "metrics", "latest_metrics"}


@contextmanager
def connected(path: Path, *, seconds: float | None = None) -> Iterator[sqlite3.Connection]:
    """Yield a connection in one transaction, which is committed at the end; it never makes a file.

    Args:
        path: the database.
        seconds: how long to wait for other processes; by default as long as MLflow.

    Raises:
        StoreError: if the database is damaged, locked or cannot be written.
    """
    wait = SECONDS_OF_WAITING if seconds is None else seconds
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=wait)) as found, found:
            yield found
    except sqlite3.Error as error:
        raise explained(path, error) from error


def require_database(path: Path) -> None:
    """Check that a file is a whole MLflow database of the installed MLflow's version.

    Raises:
        InputError: if not; says what was found and what to do.
    """
    if not is_finished(path):
        msg = (
            f"{path}: is an MLflow database that was not finished, it holds no runs; the next training that starts in "
            f"{path.parent} makes it anew"
        )
        raise InputError(msg)


def is_finished(path: Path) -> bool:
    """Return whether a database is whole; ``False`` if its making was interrupted, so that it holds nothing.

    Raises:
        InputError: if it is neither: damaged, of another version of MLflow, or no database of MLflow.
    """
    _require_sqlite(path)
    with connected(path) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        revision = _only_value(database, "SELECT version_num FROM alembic_version") if "alembic_version" in tables else None
        if revision == latest_revision():
            if missing := sorted(_NEEDED - tables):  # MLflow would make them anew, empty
                raise missing_tables(path, missing)
            return True
        if tables - {"alembic_version"} and not tables & {"experiments", "runs"}:
            msg = f"{path}: a SQLite database of another program (tables {', '.join(sorted(tables)[:4])}), not of MLflow"
            raise InputError(f"{msg}; give another folder for the runs")
        n_runs = _only_value(database, "SELECT count(*) FROM runs") if "runs" in tables else 0
    if not n_runs and not _has_run_folders(path.parent):
        return False
    raise InputError(f"{path}: {_other_version(path, revision)}")


def _require_sqlite(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start and start != _MAGIC:
        msg = f"{path}: not a SQLite database, it begins with {start[:12]!r}; {_restore(path)}"
        raise InputError(msg)
    if not start and _has_run_folders(path.parent):
        msg = f"{path}: is empty (0 bytes), but there are runs in {path.parent}; {_restore(path)}"
        raise InputError(msg)


def _restore(path: Path) -> str:
    return (
        f"put a copy of it back, or move it away: a training then makes a new one; files of the runs remain in {path.parent}"
    )


def _has_run_folders(mlruns: Path) -> bool:
    return any(len(path.parent.name) == 32 for path in mlruns.glob("*/*/artifacts"))


def _other_version(path: Path, revision: str | None) -> str:
    if revision is None or is_older(revision):
        return (
            f"was made by an earlier version of MLflow (schema {revision or 'without a revision'}, expected "
            f"{latest_revision()}); copy the file, then bring it up to date with: mlflow db upgrade 'sqlite:///{path}'"
        )
    return (
        f"was made by a later version of MLflow (schema {revision}, the installed one has {latest_revision()}); "
        "update MLflow: pip install --upgrade mlflow"
    )


def _only_value(database: sqlite3.Connection, statement: str) -> str | None:
    row = database.execute(statement).fetchone()
    return None if row is None else row[0]


def _require_columns(database: sqlite3.Connection, path: Path, columns: Mapping[str, Sequence[str]]) -> None:
    for table, names in columns.items():
        found = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        if missing := sorted(set(names) - found):
            msg = (
                f"{path}: table '{table}' has no column {', '.join(missing)}: this version of MLflow keeps runs otherwise "
                "than this version of TauAdv knows; install the version of MLflow that setup.cfg names"
            )
            raise InputError(msg)


def drop_metrics(path: Path, run_id: str, after_step: int, prefix: str, except_prefixes: Sequence[str]) -> None:
    """Remove values of a run's metrics after a step.

    Args:
        path: the database.
        run_id: the run.
        after_step: last step to keep.
        prefix: only of metrics whose names start so.
        except_prefixes: and with none of these.
    """
    condition = "run_uuid = ? AND step > ? AND substr(key, 1, ?) = ?"
    values: list[str | int] = [run_id, after_step, len(prefix), prefix]
    for kept in except_prefixes:
        condition += " AND substr(key, 1, ?) != ?"
        values += [len(kept), kept]
    tables = ("metrics", "latest_metrics")
    with connected(path) as database:
        _require_columns(database, path, dict.fromkeys(tables, ("run_uuid", "step", "key")))
        for table in tables:
            database.execute(f"DELETE FROM {table} WHERE {condition}", values)


def repair_locations(mlruns: Path, *, lock: bool = True, database_file: Path | None = None) -> None:
    """After a move of ``mlruns``, mend the absolute addresses that the store keeps: MLflow's own page reads them.

    Nothing happens where they are right, the store cannot be written, or somebody is using it.

    Args:
        mlruns: folder of the store.
        lock: take the lock of the store; not where it is held already.
        database_file: a copy of its database, which is mended instead.
    """
    path = database_file or mlruns / DATABASE
    with suppress(InputError, OutputLockedError, OSError), ExitStack() as stack:
        with connected(path) as database:
            experiments, runs = _misplaced(database, path, mlruns)
        if not (experiments or runs) or not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            return
        if lock:
            stack.enter_context(output_lock(path))
        if database_file is None:
            _require_nobody_trains(mlruns)
        with connected(path, seconds=0) as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", experiments)
            database.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", runs)


def has_moved(mlruns: Path) -> bool:
    """Return whether the store keeps addresses that are not those of its files."""
    path = mlruns / DATABASE
    with connected(path) as database:
        return any(_misplaced(database, path, mlruns))


def copy_database(path: Path, copy: Path) -> None:
    """Write a copy of a database, also of one that is in use."""
    with connected(path) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _require_nobody_trains(mlruns: Path) -> None:
    """Raise an error if a training holds the lock of its run: it may see the same store under another name."""
    for path in mlruns.glob("*/*/.artifacts.lock"):
        with output_lock(path.with_name("artifacts")):
            pass


_Changes = list[tuple[str, str | int]]


def _misplaced(database: sqlite3.Connection, path: Path, mlruns: Path) -> tuple[_Changes, _Changes]:
    """Return the addresses that are to be set: (address, identifier) of experiments and of runs."""
    columns = {"experiments": ("experiment_id", "artifact_location"), "runs": ("run_uuid", "experiment_id", "artifact_uri")}
    _require_columns(database, path, columns)
    experiments: _Changes = []
    for number, location in database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall():
        if _is_elsewhere(location, here := mlruns / str(number), also_missing=True):
            experiments.append((here.as_uri(), number))
    runs: _Changes = []
    for run, number, location in database.execute("SELECT run_uuid, experiment_id, artifact_uri FROM runs").fetchall():
        if _is_elsewhere(location, here := mlruns / str(number) / run / "artifacts"):
            runs.append((here.as_uri(), run))
    return experiments, runs


def _is_elsewhere(location: str | None, here: Path, *, also_missing: bool = False) -> bool:
    """Return whether an address is not that of ``here``, where the files are (or will be, if they are nowhere)."""
    address = urlparse(location or "")
    stored = Path(unquote(address.path)) if address.scheme == "file" else Path(location or "")
    if address.scheme not in {"file", ""} or stored == here or stored.name != here.name:
        return False
    if not here.is_dir():
        return also_missing and not stored.exists()
    with suppress(OSError):
        return not stored.samefile(here)  # the same folder under another name, such as that of another mount
    return True
